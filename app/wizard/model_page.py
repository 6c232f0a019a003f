"""First page: which model is to learn."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QButtonGroup, QLabel, QRadioButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.context import AppContext
from app.widgets.card import Card
from app.widgets.text import SPACE, clear_layout, muted
from app.widgets.units import size_text
from app.wizard.page import WizardPage
from app.wizard.state import NO_MODEL, WizardState
from app.workers.inventory import ModelChoice
from core.model.store import judge_fit
from core.train.forecast import rough_bytes

HINT = (
    "A gated adapter, the default, leaves the model itself as it is and lies beside it. Whether "
    "there is room for training it follows from the memory that is free now."
)
FIT_WORDS = {
    "fits": "fits",
    "tight": "tight: close other programs",
    "does not fit": "does not fit into what is free now",
}


class ModelPage(WizardPage):
    """A list of models to pick one from."""

    name = "Model"

    def __init__(
        self, context: AppContext, state: WizardState, parent: QWidget | None = None
    ) -> None:
        super().__init__(state, parent)
        self._context = context
        self._group = QButtonGroup(self)
        self._notes: list[QLabel] = []
        self._shown: list[ModelChoice] | None = None
        card = Card("Which model shall learn?", HINT)
        self._list = QVBoxLayout()
        self._list.setSpacing(SPACE)
        card.body.addLayout(self._list)
        self.column.addWidget(card)
        self._group.idClicked.connect(self._on_picked)
        state.changed.connect(self._show)
        self._show()

    @property
    @override
    def missing(self) -> str:
        if self.state.model is None:
            return NO_MODEL
        return ""

    @Slot()
    def _show(self) -> None:
        models = list(self.state.inventory.models)
        if models != self._shown:
            self._fill(models)
        for number, model in enumerate(models):
            self._notes[number].setText(model.entry.problem or self._note(model))
            if model == self.state.model:
                self._group.button(number).setChecked(True)

    def _fill(self, models: list[ModelChoice]) -> None:
        self._shown, self._notes = models, []
        for old in self._group.buttons():
            self._group.removeButton(old)
        clear_layout(self._list)
        for number, model in enumerate(models):
            self._add(number, model)
        if not models:
            self._list.addWidget(muted(NO_MODEL))

    def _add(self, number: int, model: ModelChoice) -> None:
        entry = model.entry
        button = QRadioButton(entry.name)
        button.setEnabled(not entry.problem)
        self._group.addButton(button, number)
        self._list.addWidget(button)
        note = muted()
        note.setContentsMargins(3 * SPACE, 0, 0, SPACE)
        self._notes.append(note)
        self._list.addWidget(note)

    def _note(self, model: ModelChoice) -> str:
        device = self.state.inventory.device(self._context.settings.value.device)
        size = size_text(model.entry.size_bytes)
        if device is None:
            return f"{size}; the chosen device is not there"
        need = rough_bytes(model.need_bytes)
        fit = FIT_WORDS[judge_fit(need, device.free_bytes)]
        return (
            f"{size} on disk, about {size_text(need)} to train; {fit} "
            f"({size_text(device.free_bytes)} free on {device.name})"
        )

    @Slot(int)
    def _on_picked(self, number: int) -> None:
        self.state.update(model=self.state.inventory.models[number].wish)
        if self.state.draft.data:
            self.state.read_files()
