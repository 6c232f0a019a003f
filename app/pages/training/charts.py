"""The curves of a training."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.card import Card
from app.widgets.chart import Chart
from core.train.progress import RunProgress

USUAL_SLOTS, MOST_SLOTS = 8, 16


class TrainingCharts(QWidget):
    """Loss, agreement by slot, and tokens per pass over the steps; hidden before the first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loss = Chart("Loss of the training batches", ("loss",))
        slots = [f"slot {number}" for number in range(2, USUAL_SLOTS + 1)]
        self._agreement = Chart("Agreement with the base model on held-out rows", slots, (0, 1))
        self._tokens = Chart("Tokens per pass on held-out rows, threshold .9", ("tokens per pass",))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        card = Card("Curves")
        for chart in (self._loss, self._agreement, self._tokens):
            card.body.addWidget(chart)
        layout.addWidget(card)

    def show_progress(self, progress: RunProgress) -> None:
        """Draw what there is."""
        self.setVisible(bool(progress.losses or progress.evaluations))
        self._loss.show_points("loss", progress.losses)
        found = progress.evaluations
        self._tokens.show_points(
            "tokens per pass", [(one.step, one.tokens_per_pass) for one in found]
        )
        by_slot = {
            f"slot {place + 2}": [
                (one.step, one.agreement_by_slot[place])
                for one in found
                if place < len(one.agreement_by_slot)
            ]
            for place in range(MOST_SLOTS - 1)
        }
        self._agreement.show_lines(by_slot)
