"""What a benchmark came to: speed against quality, a table, how many tokens a pass added."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.bar_chart import BarChart
from app.widgets.point_chart import ChartPoint, PointChart
from app.widgets.text import SPACE, body, button, heading, muted
from core.errors import KnownError
from core.evaluate.bench_card import bench_headline, cells, heads, measuring
from core.evaluate.bench_files import write_bench
from core.evaluate.figures import Row
from core.evaluate.front import (
    QUALITIES,
    Point,
    Quality,
    is_advised,
    known_qualities,
    points,
)
from core.evaluate.race_files import FILTERS

PICTURE = "Picture (*.png)"
ALL_PROMPTS = "All prompts"


class BenchOutcome(QWidget):
    """A report; empty and hidden until there is one.

    Signals:
        threshold_chosen: The threshold to decode with from now on.
        failed: The `KnownError` that kept it from being saved.
        status_message: A sentence for the status bar.
    """

    threshold_chosen = Signal(float)
    failed = Signal(object)
    status_message = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._report: Row = {}
        self._points: list[Point] = []
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
        self._use = button("Use it", "send")
        self._save = button("Save…", "export")
        self._quality.currentIndexChanged.connect(self._fill)
        self._family.currentIndexChanged.connect(self._on_family)
        self._chart.picked.connect(self._table.selectRow)
        self._table.itemSelectionChanged.connect(self._on_selected)
        self._use.clicked.connect(self._on_use)
        self._save.clicked.connect(self._on_save)
        self._build()
        self.hide()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3 * SPACE // 2)
        for widget in (self._headline, self._advice):
            column.addWidget(widget)
        column.addLayout(_in_a_row(self._quality, self._family))
        column.addWidget(self._chart)
        column.addWidget(self._table)
        column.addLayout(_in_a_row(self._use, self._save))
        column.addWidget(self._sizes)
        column.addWidget(self._how)

    def clear(self) -> None:
        """Forget the report."""
        self._report = {}
        self.hide()

    def show_report(self, report: Row) -> None:
        """Show a report in place of the last one; see `core.evaluate.figures.report`."""
        self._report = report
        self._headline.setText(bench_headline(report))
        self._advice.setText(report["advice"]["reason"])
        self._how.setText(measuring(report))
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
        qualities = known_qualities(self._report, family)
        rows = [cells(one.label, one.row, qualities) for one in self._points]
        _fill_table(self._table, heads(qualities), rows)
        self._table.selectRow(self._advised_row())

    def _advised_row(self) -> int:
        """The row that is advised, else that of one-token decoding."""
        advised = [is_advised(one.row, self._report) for one in self._points]
        return advised.index(True) if any(advised) else 0

    @property
    def _selected(self) -> int:
        rows = self._table.selectionModel().selectedRows()
        return rows[0].row() if rows else -1

    @Slot()
    def _on_selected(self) -> None:
        number = self._selected
        if number < 0:
            return
        one = self._points[number]
        self._chart.pick(number)
        self._sizes.set_caption(f"{one.label}: how many tokens a pass added, in percent of passes")
        self._sizes.show_counts(one.row["block_sizes"])
        self._use.setText(f"Use threshold {one.row['threshold']:g}")

    @Slot()
    def _on_use(self) -> None:
        self.threshold_chosen.emit(self._points[self._selected].row["threshold"])

    @Slot()
    def _on_save(self) -> None:
        filters = ";;".join((*FILTERS, PICTURE))
        name, chosen = QFileDialog.getSaveFileName(
            self, "Save the benchmark", "benchmark.html", filters
        )
        if name:
            self.save(Path(name), chosen)

    def save(self, out: Path, chosen: str) -> None:
        """Write the report into a file of a chosen kind; its ending follows."""
        out = out.with_suffix(chosen.rpartition("*")[2].rstrip(")"))
        try:
            if chosen != PICTURE:
                write_bench(self._report, out)
            elif not self.grab().save(str(out)):
                raise KnownError(f"{out} cannot be written.", "Choose another place.")
        except KnownError as error:
            self.failed.emit(error)
        else:
            self.status_message.emit(f"Saved as {out}")


def _in_a_row(*parts: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(SPACE)
    for one in parts:
        row.addWidget(one)
    row.addStretch(1)
    return row


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
