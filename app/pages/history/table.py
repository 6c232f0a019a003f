"""The list of runs as a Qt model: read page by page in a pool thread, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from typing_extensions import override

from app.assets import icon
from app.context import History
from app.widgets.units import moment_text
from app.workers.jobs import Jobs, Progress
from core.control import Cancel
from core.history.records import RunFilter, RunRecord

PAGE_SIZE = 100
NO_INDEX = QModelIndex()
Index = QModelIndex | QPersistentModelIndex

STATE_WORDS = {
    "running": "Running",
    "completed": "Completed",
    "stopped": "Stopped",
    "interrupted": "Interrupted",
    "failed": "Failed",
}
KIND_ICONS = {"answer": "chat", "training": "train", "bench": "bench", "race": "race"}
KIND_WORDS = {"answer": "Answer", "training": "Training", "bench": "Benchmark", "race": "Race"}


@dataclass(frozen=True)
class Column:
    """One column: its head, what it shows of a run, whether it holds a figure."""

    head: str
    text: Callable[[RunRecord], str]
    is_figure: bool = False


def _figure(name: str) -> Callable[[RunRecord], str]:
    def text(run: RunRecord) -> str:
        value = run.summary.get(name)
        return f"{value:.1f}" if isinstance(value, int | float) and value else ""

    return text


COLUMNS = (
    Column("Title", lambda run: run.title or KIND_WORDS[run.kind]),
    Column("State", lambda run: STATE_WORDS[run.state]),
    Column("Tokens/pass", _figure("tokens_per_pass"), is_figure=True),
    Column("Tokens/s", _figure("tokens_per_second"), is_figure=True),
    Column("When", lambda run: moment_text(run.created_at, time.time())),
)


@dataclass(frozen=True)
class _Page:
    """What a pool thread read: for which filter, from where, how many there are in all."""

    wanted: RunFilter
    offset: int
    total: int
    runs: tuple[RunRecord, ...]


class RunTable(QAbstractTableModel):
    """Runs that pass a filter.

    Signals:
        filled: A page arrived; `total` is right from now on.
    """

    filled = Signal()

    def __init__(self, history: History, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._jobs = jobs
        self._wanted = RunFilter()
        self._runs: list[RunRecord] = []
        self._is_reading = False
        self._is_stale = False
        self.total = 0

    def show(self, wanted: RunFilter) -> None:
        """List the runs that pass a filter, from the newest on."""
        self._wanted = wanted
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Read the list again."""
        if self._is_reading:
            self._is_stale = True
        else:
            self._read(0)

    def run_at(self, row: int) -> RunRecord:
        """The run of a row."""
        return self._runs[row]

    def row_of(self, run_id: str) -> int | None:
        """The row of a run, None if it is not listed (yet)."""
        rows = (row for row, run in enumerate(self._runs) if run.id == run_id)
        return next(rows, None)

    def _read(self, offset: int) -> None:
        store, wanted = self._history.store, self._wanted
        if store is None:
            return
        limit = max(len(self._runs), PAGE_SIZE) if offset == 0 else PAGE_SIZE

        def work(_cancel: Cancel, _progress: Progress) -> _Page:
            runs = store.list_runs(wanted, limit=limit, offset=offset)
            return _Page(wanted, offset, store.count_runs(wanted), runs)

        self._is_reading = True
        self._jobs.start(work, self._on_page, finished=self._on_read)

    @Slot(object)
    def _on_page(self, page: _Page) -> None:
        if page.wanted != self._wanted:
            self._is_stale = True
            return
        self.total = page.total
        if page.offset == 0:
            self._replace(page.runs)
        elif page.offset == len(self._runs) and page.runs:
            last = len(self._runs) + len(page.runs) - 1
            self.beginInsertRows(NO_INDEX, len(self._runs), last)
            self._runs.extend(page.runs)
            self.endInsertRows()
        self.filled.emit()

    def _replace(self, runs: tuple[RunRecord, ...]) -> None:
        """Put other runs in place; where only figures changed, the selection stays."""
        if [run.id for run in runs] == [run.id for run in self._runs]:
            self._runs = list(runs)
            if runs:
                corner = self.index(len(runs) - 1, len(COLUMNS) - 1)
                self.dataChanged.emit(self.index(0, 0), corner)
            return
        self.beginResetModel()
        self._runs = list(runs)
        self.endResetModel()

    @Slot()
    def _on_read(self) -> None:
        self._is_reading = False
        if self._is_stale:
            self._is_stale = False
            self._read(0)

    # Qt's own

    @override
    def rowCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._runs)

    @override
    def columnCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    @override
    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and not self._is_reading and len(self._runs) < self.total

    @override
    def fetchMore(self, parent: Index) -> None:
        if self.canFetchMore(parent):
            self._read(len(self._runs))

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        run, column = self._runs[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(run)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return icon(KIND_ICONS[run.kind])
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == 0:
            return f"{KIND_WORDS[run.kind]}: {column.text(run)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = (KIND_WORDS[run.kind], run.title, run.model, run.adapter)
            return "\n".join(filter(None, lines))
        if role == Qt.ItemDataRole.TextAlignmentRole and column.is_figure:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    @override
    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].head
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = "AlignRight" if COLUMNS[section].is_figure else "AlignLeft"
            return Qt.AlignmentFlag[side] | Qt.AlignmentFlag.AlignVCenter
        return None
