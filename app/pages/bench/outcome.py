"""What a benchmark came to: speed against quality, a table, how many tokens a pass added."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.bar_chart import BarChart
from app.widgets.point_chart import ChartPoint, PointChart
from app.widgets.save_as import SaveButton
from app.widgets.text import SPACE, body, button, heading, muted
from core.engine.offers import offer_of
from core.evaluate.bench.card import FRONT, bench_headline, cells, heads, measuring
from core.evaluate.bench.files import write_bench
from core.evaluate.bench.front import (
    QUALITIES,
    Point,
    Quality,
    known_qualities,
    label_of,
    points,
    rows_of,
)
from core.evaluate.bench.judged import Row
from core.evaluate.card_page import origin_line

ALL_PROMPTS = "All prompts"
USABLE = ("confadapt", "verified", "heads", "prompt_lookup")
"""Strategies that the chat offers."""


class BenchOutcome(QWidget):
    """A report; empty and hidden until there is one.

    Signals:
        way_chosen: Strategy, threshold and k_max to decode with from now on.
        failed: The `KnownError` that kept it from being saved.
        status_message: A sentence for the status bar.
    """

    way_chosen = Signal(str, float, int)
    failed = Signal(object)
    status_message = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._report: Row = {}
        self._points: list[Point] = []
        self._rows: list[Row] = []
        self._headline = heading("")
        self._advice = body()
        self._quality = QComboBox()
        self._quality.setAccessibleName("Measure of quality")
        self._family = QComboBox()
        self._family.setAccessibleName("Which prompts")
        self._chart = PointChart("", "Times one-token decoding")
        self._table = _new_table()
        self._sizes = BarChart("", "Tokens that a pass added")
        self._how = muted()
        self._origin = muted()
        self._picture = QWidget()
        self._use = button("Use it", "send")
        self._save = SaveButton("benchmark", self._picture, self._write)
        self._quality.currentIndexChanged.connect(self._fill)
        self._family.currentIndexChanged.connect(self._on_family)
        self._chart.picked.connect(self._on_picked)
        self._table.itemSelectionChanged.connect(self._on_selected)
        self._use.clicked.connect(self._on_use)
        self._save.failed.connect(self.failed)
        self._save.saved.connect(self.status_message)
        self._build()
        self.hide()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3 * SPACE // 2)
        controls = QHBoxLayout()
        controls.setSpacing(SPACE)
        for choice in (self._quality, self._family):
            controls.addWidget(choice)
        controls.addStretch(1)
        for act in (self._use, self._save):
            controls.addWidget(act)
        column.addLayout(controls)
        column.addWidget(self._picture)
        shown = QVBoxLayout(self._picture)
        shown.setContentsMargins(0, 0, 0, 0)
        shown.setSpacing(3 * SPACE // 2)
        parts = (self._headline, self._advice, self._chart, muted(FRONT), self._table, self._sizes)
        for part in (*parts, self._how, self._origin):
            shown.addWidget(part)

    def clear(self) -> None:
        """Forget the report."""
        self._report = {}
        self.hide()

    def show_report(self, report: Row) -> None:
        """Show a report in place of the last one; see `core.evaluate.bench.figures.report`."""
        self._report = report
        self._headline.setText(bench_headline(report))
        self._advice.setText(report["advice"]["reason"])
        self._how.setText(measuring(report))
        self._origin.setText(f"{report['title']}. {origin_line(report)}")
        families = dict.fromkeys(row["family"] for row in report["results"] if row["family"])
        with QSignalBlocker(self._family):
            self._family.clear()
            self._family.addItem(ALL_PROMPTS, None)
            for family in families:
                self._family.addItem(family.capitalize(), family)
        self._family.setVisible(len(families) > 1)
        self.show()
        self._on_family()

    @Slot()
    def _on_family(self) -> None:
        """Offer the measures that the chosen prompts allow; the one chosen stays if it can."""
        chosen = self._quality.currentText()
        with QSignalBlocker(self._quality):
            self._quality.clear()
            for name in known_qualities(self._report, self._family.currentData()):
                self._quality.addItem(QUALITIES[name], name)
            self._quality.setCurrentIndex(max(0, self._quality.findText(chosen)))
        self._fill()

    @Slot()
    def _fill(self) -> None:
        quality: Quality = self._quality.currentData()
        family: str | None = self._family.currentData()
        self._points = points(self._report, quality, family)
        self._chart.set_caption(f"{QUALITIES[quality]} against speed; 95 % intervals")
        self._chart.show_points(
            [ChartPoint(one.label, one.speed, one.quality, one.is_best) for one in self._points]
        )
        self._rows = rows_of(self._report, family)
        qualities = known_qualities(self._report, family)
        labels = [label_of(row, self._report) for row in self._rows]
        named = zip(labels, self._rows, strict=True)
        _fill_table(self._table, heads(qualities), [cells(*one, qualities) for one in named])
        advised = [row["is_advised"] for row in self._rows]
        self._table.selectRow(advised.index(True) if any(advised) else 0)
        self._on_selected()

    @property
    def _selected(self) -> Row | None:
        rows = self._table.selectionModel().selectedRows()
        return self._rows[rows[0].row()] if rows else None

    @Slot()
    def _on_selected(self) -> None:
        row = self._selected
        self._use.setEnabled(row is not None and row["strategy"] in USABLE)
        self._use.setText("Use it")
        if row is None:
            return
        marked = [number for number, one in enumerate(self._points) if one.row is row]
        self._chart.pick(marked[0] if marked else -1)
        label = label_of(row, self._report)
        self._sizes.set_caption(f"{label}: how many tokens a pass added, in percent of passes")
        self._sizes.show_counts(row["block_sizes"])
        if self._use.isEnabled():
            self._use.setText(_use_text(row))

    @Slot(int)
    def _on_picked(self, number: int) -> None:
        picked = self._points[number].row
        self._table.selectRow(next(n for n, row in enumerate(self._rows) if row is picked))

    @Slot()
    def _on_use(self) -> None:
        row = self._selected
        if row is not None:
            self.way_chosen.emit(row["strategy"], row["threshold"], row["k_max"])

    def _write(self, out: Path) -> None:
        write_bench(self._report, out)


def _new_table() -> QTableWidget:
    table = QTableWidget()
    table.setAccessibleName("Ways of decoding")
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    return table


def _fill_table(table: QTableWidget, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Every row is in sight: the page scrolls, not the table."""
    with QSignalBlocker(table):
        table.clearSelection()
        table.setColumnCount(len(heads))
        table.setRowCount(len(rows))
        table.setHorizontalHeaderLabels(list(heads))
        for at, row in enumerate(rows):
            for column, text in enumerate(row):
                table.setItem(at, column, QTableWidgetItem(text))
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    height = table.horizontalHeader().sizeHint().height() + 2 * table.frameWidth()
    height += sum(table.rowHeight(at) for at in range(len(rows)))
    table.setFixedHeight(height + table.horizontalScrollBar().sizeHint().height())


def _use_text(row: Row) -> str:
    if row["strategy"] == "confadapt":
        return f"Use threshold {row['threshold']:g}, k_max {row['k_max']}"
    return f"Use {offer_of(row['strategy']).name}"
