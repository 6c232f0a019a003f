"""Who proposes the tokens of an answer; what the loaded model lacks is grey, with the reason."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QWidget

from core.engine.offers import offer_of, why_not
from core.engine.request import SessionInfo, Strategy
from core.events import Proposer

# Always ConfAdapt with mask rows, never "next_token": at threshold 1.0 it gives one token a pass
# by rule, at the stop "Exact" every token is checked, and the slider may move while answers flow.
STRATEGY_OF: dict[Proposer, Strategy] = {
    "mask rows": "confadapt",
    "heads": "heads",
    "prompt lookup": "prompt_lookup",
}
NAMES: dict[Proposer, str] = {
    "mask rows": "Mask rows",
    "heads": "Heads",
    "prompt lookup": "Prompt lookup",
}


def proposer_of(strategy: Strategy) -> Proposer:
    """Who proposes under a strategy; mask rows unless it says otherwise."""
    return next((one for one, name in STRATEGY_OF.items() if name == strategy), "mask rows")


class ProposalsBox(QComboBox):
    """The proposers.

    Signals:
        chosen: The proposer that the user took.
        changed: Another one is in force.
    """

    chosen = Signal(str)
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Proposals")
        self._wish: Proposer = "mask rows"
        for proposer, name in NAMES.items():
            self.addItem(name, proposer)
        self.currentIndexChanged.connect(self._on_changed)
        self.activated.connect(self._on_activated)
        self._on_changed()

    @property
    def proposer(self) -> Proposer:
        """Who proposes."""
        proposer: Proposer = self.currentData()
        return proposer

    @property
    def strategy(self) -> Strategy:
        """How a request is decoded with these proposals."""
        return STRATEGY_OF[self.proposer]

    def choose(self, proposer: Proposer) -> None:
        """Take this one where the loaded model offers it."""
        self._wish = proposer
        index = self.findData(proposer)
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        if index >= 0 and model.item(index).isEnabled():
            self.setCurrentIndex(index)

    def show_session(self, info: SessionInfo) -> None:
        """Offer what this model can do; the wish stays in force for the next one."""
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        offered = []
        for number, proposer in enumerate(NAMES):
            reason = why_not(STRATEGY_OF[proposer], info)
            item = model.item(number)
            item.setEnabled(not reason)
            words = reason or offer_of(STRATEGY_OF[proposer]).words
            self.setItemData(number, words, Qt.ItemDataRole.ToolTipRole)
            if not reason:
                offered.append(proposer)
        wish = self._wish if self._wish in offered else offered[0]
        self.setCurrentIndex(self.findData(wish))
        self._on_changed()

    @Slot()
    def _on_changed(self) -> None:
        words = self.currentData(Qt.ItemDataRole.ToolTipRole) or offer_of(self.strategy).words
        self.setToolTip(words)
        self.changed.emit()

    @Slot()
    def _on_activated(self) -> None:
        self._wish = self.proposer
        self.chosen.emit(self.proposer)
