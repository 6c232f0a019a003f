"""First page: which model is to learn."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.context import AppContext
from app.widgets.card import Card
from app.widgets.text import SPACE, muted
from app.widgets.units import size_text
from app.wizard.page import WizardPage
from app.wizard.state import WizardState
from app.workers.inventory import ModelChoice
from core.model.store import judge_fit
from core.train.forecast import rough_bytes

HINT = (
    "The model itself stays as it is: training writes a small adapter beside it. Whether there is "
    "room for it follows from the memory that is free now."
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
        self._shown: tuple[object, ...] = ()
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
            return "There is no model on this machine yet. Home fetches the starter."
        return ""

    @Slot()
    def _show(self) -> None:
        inventory = self.state.inventory
        shown = (inventory, self.state.model)
        if shown == self._shown:
            return
        self._shown = shown
        while (item := self._list.takeAt(0)) is not None:
            if widget := item.widget():
                widget.deleteLater()
        for number, model in enumerate(inventory.models):
            self._add(number, model)
        if not inventory.models:
            self._list.addWidget(muted("No model on this machine yet. Home fetches the starter."))

    def _add(self, number: int, model: ModelChoice) -> None:
        entry = model.entry
        button = QRadioButton(entry.name)
        button.setEnabled(not entry.problem)
        button.setChecked(model == self.state.model)
        self._group.addButton(button, number)
        self._list.addWidget(button)
        note = muted(entry.problem or self._note(model))
        note.setContentsMargins(3 * SPACE, 0, 0, SPACE)
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
