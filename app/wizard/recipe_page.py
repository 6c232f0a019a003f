"""Third page: how long it may take; everything else folds away under "Advanced"."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QLineEdit, QRadioButton, QWidget
from typing_extensions import override

from app.context import AppContext
from app.widgets.card import Card, FormCard
from app.widgets.fold import Fold
from app.widgets.text import SPACE, muted
from app.widgets.units import size_text
from app.wizard.advanced import AdvancedForm
from app.wizard.page import WizardPage
from app.wizard.state import WizardState
from core.train.draft import MINUTES, MOST_NAME_BYTES, Duration

DURATIONS: dict[Duration, tuple[str, str]] = {
    "quick": ("Quick", "A first look at whether the documents suit."),
    "balanced": ("Balanced", "Enough for a narrow domain on most machines."),
    "thorough": ("Thorough", "For more varied documents, or when speed-up matters most."),
}


class RecipePage(WizardPage):
    """Duration, what happens to the chat model meanwhile, the name, and the advanced settings."""

    name = "Recipe"

    def __init__(
        self, context: AppContext, state: WizardState, parent: QWidget | None = None
    ) -> None:
        super().__init__(state, parent)
        self._context = context
        self._name = QLineEdit()
        self._durations = QButtonGroup(self)
        self._keep = QCheckBox("Keep chatting meanwhile")
        self._keep_note = muted()
        self._advanced = Fold("Advanced", AdvancedForm(state))
        self._build()
        self._name.textEdited.connect(self._on_name)
        self._name.returnPressed.connect(self.next_requested)
        self._durations.idClicked.connect(self._on_duration)
        self._keep.toggled.connect(self._on_keep)
        state.changed.connect(self._show)
        self._show()

    def _build(self) -> None:
        first = Card("How long may it take?", "Writing the training chats is part of it.")
        for number, (key, (word, note)) in enumerate(DURATIONS.items()):
            choice = QRadioButton(f"{word}, {MINUTES[key]} minutes")
            self._durations.addButton(choice, number)
            first.body.addWidget(choice)
            about = muted(note)
            about.setContentsMargins(3 * SPACE, 0, 0, SPACE // 2)
            first.body.addWidget(about)
        self.column.addWidget(first)
        second = Card("The chat meanwhile")
        second.body.addWidget(self._keep)
        second.body.addWidget(self._keep_note)
        self.column.addWidget(second)
        third = FormCard("The new adapter")
        self._name.setMaxLength(MOST_NAME_BYTES)
        third.add_row("Name", self._name)
        self.column.addWidget(third)
        self.column.addWidget(self._advanced)

    @override
    def enter(self) -> None:
        if self.state.draft.advanced:
            self._advanced.set_open(True)

    @property
    @override
    def missing(self) -> str:
        return self.state.name_problem

    @Slot()
    def _show(self) -> None:
        draft = self.state.draft
        if self._name.text().strip() != draft.name:
            self._name.setText(draft.name)
        self._durations.button(list(DURATIONS).index(draft.duration)).setChecked(True)
        self._keep.setChecked(draft.keep_chatting)
        self._keep_note.setText(self._chat_note())

    def _chat_note(self) -> str:
        info = self._context.engine.info
        if info is None:
            return "No model is loaded now. If one is, it is unloaded and comes back afterwards."
        if self.state.draft.keep_chatting:
            return "Both share this machine: the training and the answers become slower."
        return (
            f"{info.model} is unloaded, which frees {size_text(info.memory_bytes)}, and comes "
            "back when the training is over."
        )

    @Slot(str)
    def _on_name(self, name: str) -> None:
        self.state.update(name=name.strip())

    @Slot(int)
    def _on_duration(self, number: int) -> None:
        self.state.update(duration=list(DURATIONS)[number])

    @Slot(bool)
    def _on_keep(self, keep: bool) -> None:
        self.state.update(keep_chatting=keep)
