"""What the training brought: one-token decoding and ConfAdapt on prompts it was not trained on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout

from app.widgets.card import Card
from app.widgets.save_as import ask_file
from app.widgets.text import SPACE, body, button, clear_layout, heading, muted
from core.errors import KnownError
from core.evaluate.comparison_table import (
    HEADS,
    HINT,
    advice_text,
    cells,
    save_comparison,
    to_markdown,
)
from core.events import ThresholdAdvised, WayCompared
from core.train.progress import RunProgress

KINDS = ("Markdown (*.md)", "CSV (*.csv)", "JSON (*.json)")


class BeforeAfterCard(Card):
    """What was compared or why nothing was, a table of the ways, and the advice; else hidden.

    Signals:
        failed: The `KnownError` that kept the table from being saved.
    """

    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__("Before and after", HINT)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(3 * SPACE // 2)
        self._grid.setVerticalSpacing(SPACE)
        self._grid.setColumnStretch(0, 1)
        self._advice = heading("")
        self._reason = body()
        self._said = body()
        self._copy, self._export = button("Copy as Markdown", "copy"), button("Export the table…")
        self._copy.clicked.connect(self._on_copy)
        self._export.clicked.connect(self._on_export)
        self.body.addWidget(self._said)
        self.body.addLayout(self._grid)
        self.body.addWidget(self._advice)
        self.body.addWidget(self._reason)
        row = QHBoxLayout()
        row.addWidget(self._copy)
        row.addWidget(self._export)
        row.addStretch(1)
        self.body.addLayout(row)
        self._shown: list[WayCompared] = []
        self._advised: ThresholdAdvised | None = None
        self.hide()

    def show_progress(self, progress: RunProgress) -> None:
        """Show what was compared."""
        said = progress.said.get("compare", "") if progress.ended is not None else ""
        self.setVisible(bool(progress.compared or said))
        self._said.setText(said)
        self._said.setVisible(bool(said))
        for one in (self._copy, self._export):
            one.setVisible(bool(progress.compared))
        if progress.compared != self._shown:
            self._shown = list(progress.compared)
            self._fill()
        self._advised = progress.advice
        self._show_advice()

    def _fill(self) -> None:
        clear_layout(self._grid)
        for column, text in enumerate(HEADS):
            self._grid.addWidget(muted(text), 0, column, Qt.AlignmentFlag.AlignBottom)
        for row, found in enumerate(self._shown, 1):
            for column, text in enumerate(cells(found)):
                cell = _cell(text, _read_out(found) if column == 0 else "")
                self._grid.addLayout(cell, row, column)

    def _show_advice(self) -> None:
        for part in (self._advice, self._reason):
            part.setVisible(self._advised is not None)
        if self._advised is not None:
            self._advice.setText(advice_text(self._advised))
            self._reason.setText(self._advised.reason)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(to_markdown(self._shown, self._advised))

    @Slot()
    def _on_export(self) -> None:
        out = ask_file(self, "Export", "before-and-after.md", KINDS)
        if out is None:
            return
        try:
            save_comparison(out, self._shown, self._advised)
        except KnownError as error:
            self.failed.emit(error)


def _read_out(found: WayCompared) -> str:
    """A whole row in words: one by one its figures say nothing without their heads."""
    name, *figures = cells(found)
    told = zip(HEADS[1:], figures, strict=True)
    return f"{name}: " + ", ".join(f"{head} {figure}" for head, figure in told)


def _cell(text: str, read_out: str) -> QVBoxLayout:
    """A figure; what stands in brackets behind it is of second rank and goes below."""
    figure, _, rest = text.partition(" (")
    first = body(figure)
    first.setAccessibleName(read_out)
    cell = QVBoxLayout()
    cell.setSpacing(0)
    cell.addWidget(first)
    if rest:
        cell.addWidget(muted(f"({rest}"))
    cell.addStretch(1)
    return cell
