"""Third page: how long it may take; everything else folds away under "Advanced"."""

from __future__ import annotations

from collections.abc import Iterable

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
from core.model.adapter_info import Kind
from core.train.draft import MINUTES, Duration

DURATIONS: dict[Duration, tuple[str, str]] = {
    "quick": ("Quick", "A first look at whether the documents suit."),
    "balanced": ("Balanced", "Enough for a narrow domain on most machines."),
    "thorough": ("Thorough", "For more varied documents, or when speed-up matters most."),
}


KINDS: dict[Kind, tuple[str, str]] = {
    "gated": (
        "Fast, with mask rows",
        "Several tokens a pass, as sure as the threshold asks, or exact. The model itself stays "
        "untouched.",
    ),
    "heads": (
        "Exact, with heads",
        "Small heads behind the model propose, and it checks: always its own words. The model "
        "itself stays untouched.",
    ),
    "full": (
        "Every weight",
        "As in the paper: learns most in a long time on a GPU, and changes the model's own words.",
    ),
}


class RecipePage(WizardPage):
    """Name, kind, duration, what happens to the chat model meanwhile, and the advanced settings."""

    name = "Recipe"

    def __init__(
        self, context: AppContext, state: WizardState, parent: QWidget | None = None
    ) -> None:
        super().__init__(state, parent)
        self._context = context
        self._name = QLineEdit()
        self._kinds = QButtonGroup(self)
        self._durations = QButtonGroup(self)
        self._keep = QCheckBox("Keep chatting meanwhile")
        self._keep_note = muted()
        self._advanced = AdvancedForm(state)
        self._build()
        self._name.textEdited.connect(self._on_name)
        self._kinds.idClicked.connect(self._on_kind)
        self._durations.idClicked.connect(self._on_duration)
        self._keep.toggled.connect(self._on_keep)
        state.changed.connect(self._show)
        self._show()

    def _build(self) -> None:
        first = FormCard("The new adapter")
        first.add_row("Name", self._name)
        self.column.addWidget(first)
        kinds = Card("What is trained?")
        _add_choices(kinds, self._kinds, KINDS.values())
        self.column.addWidget(kinds)
        second = Card("How long may it take?", "Writing the training chats is part of it.")
        timed = [(f"{word}, {MINUTES[key]} minutes", n) for key, (word, n) in DURATIONS.items()]
        _add_choices(second, self._durations, timed)
        self.column.addWidget(second)
        third = Card("The chat meanwhile")
        third.body.addWidget(self._keep)
        third.body.addWidget(self._keep_note)
        self.column.addWidget(third)
        self.column.addWidget(Fold("Advanced", self._advanced))

    @property
    @override
    def missing(self) -> str:
        return self.state.name_problem

    @Slot()
    def _show(self) -> None:
        draft = self.state.draft
        if self._name.text().strip() != draft.name:
            self._name.setText(draft.name)
        self._kinds.button(list(KINDS).index(draft.advanced.get("kind", "gated"))).setChecked(True)
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
    def _on_kind(self, number: int) -> None:
        kind = list(KINDS)[number]
        draft = self.state.draft.with_advanced("kind", None if kind == "gated" else kind)
        self.state.update(advanced=draft.advanced)

    @Slot(int)
    def _on_duration(self, number: int) -> None:
        self.state.update(duration=list(DURATIONS)[number])

    @Slot(bool)
    def _on_keep(self, keep: bool) -> None:
        self.state.update(keep_chatting=keep)


def _add_choices(card: Card, group: QButtonGroup, choices: Iterable[tuple[str, str]]) -> None:
    """Words to choose one of, with a note below each."""
    for number, (word, note) in enumerate(choices):
        choice = QRadioButton(word)
        group.addButton(choice, number)
        card.body.addWidget(choice)
        about = muted(note)
        about.setContentsMargins(3 * SPACE, 0, 0, SPACE // 2)
        card.body.addWidget(about)
