"""What the training brought: one-token decoding and ConfAdapt on prompts it has never seen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel

from app.widgets.card import Card
from app.widgets.text import SPACE, body, button, clear_layout, heading, muted
from core.events import Span, ThresholdAdvised, WayCompared
from core.train.progress import RunProgress

HEADS = (
    "",
    "Tokens per pass",
    "Times one-token decoding",
    "Agreement",
    "Likelihood",
    "Repeated words",
)
HINT = (
    "Side by side on held-out prompts; 95 % intervals in brackets. Agreement: tokens that the base "
    "model would have chosen. Likelihood: of each answer under the base model, against its own."
)


class BeforeAfterCard(Card):
    """A table of the ways, and the advice; hidden until there is one."""

    def __init__(self) -> None:
        super().__init__("Before and after", HINT)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(2 * SPACE)
        self._advice = heading("")
        self._reason = body()
        copy = button("Copy as Markdown", "copy")
        copy.clicked.connect(self._on_copy)
        self.body.addLayout(self._grid)
        self.body.addWidget(self._advice)
        self.body.addWidget(self._reason)
        self.body.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
        self._shown: list[WayCompared] = []
        self.hide()

    def show_progress(self, progress: RunProgress) -> None:
        """Show what was compared."""
        self.setVisible(bool(progress.compared))
        if progress.compared != self._shown:
            self._shown = list(progress.compared)
            self._fill()
        self._show_advice(progress.advice)

    def _fill(self) -> None:
        clear_layout(self._grid)
        for column, text in enumerate(HEADS):
            self._grid.addWidget(muted(text), 0, column)
        for row, found in enumerate(self._shown, 1):
            for column, text in enumerate(_cells(found)):
                label = QLabel(text)
                label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
                self._grid.addWidget(label, row, column)

    def _show_advice(self, advice: ThresholdAdvised | None) -> None:
        for part in (self._advice, self._reason):
            part.setVisible(advice is not None)
        if advice is not None:
            known = advice.threshold is not None
            self._advice.setText(f"Use threshold {advice.threshold:g}" if known else "No advice")
            self._reason.setText(advice.reason)

    @Slot()
    def _on_copy(self) -> None:
        rows = [HEADS, ("---",) * len(HEADS), *map(_cells, self._shown)]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        QGuiApplication.clipboard().setText(f"{table}\n\n{self._advice.text()}. {HINT}\n")


def _cells(found: WayCompared) -> tuple[str, ...]:
    return (
        found.label,
        _span(found.tokens_per_pass, 2),
        _span(found.speedup, 2),
        _span(found.agreement, 3),
        _span(found.likelihood, 2),
        f"{found.repeated:.1%}",
    )


def _span(span: Span, digits: int) -> str:
    value, low, high = (f"{one:.{digits}f}" for one in span)
    return value if low == high else f"{value} ({low} to {high})"
