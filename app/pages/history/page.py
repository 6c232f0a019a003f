"""History: every run in a list, searched and filtered; one of them opened beside it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QItemSelection, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.assets import icon
from app.context import AppContext
from app.pages.history.detail import OpenedRun, RunView
from app.pages.history.table import KIND_WORDS, STATE_WORDS, RunTable
from app.widgets.confirm import confirm_delete
from app.widgets.empty_state import EmptyState
from app.widgets.text import PAGE_MARGIN, SPACE, muted, title
from app.workers.jobs import Progress
from core.control import Cancel
from core.errors import KnownError
from core.history.export import FORMATS, Format, write_export
from core.history.records import RunFilter
from core.wording import many

SEARCH_DELAY_MS = 200
NARROW = 1000
"""Below this width the opened run lies under the list."""

FILE_FILTERS: dict[Format, str] = {
    "json": "JSON with every pass (*.json)",
    "csv": "CSV, one row a run (*.csv)",
    "markdown": "Markdown (*.md)",
    "html": "HTML with coloured blocks (*.html)",
}
EMPTY = ("Nothing here yet", "Every answer and every training run is kept here.")
NO_MATCH = ("Nothing matches", "Change the search or the filters.")
LOADING = ("Opening the history …", "")
UNAVAILABLE = "The history is not available"


class HistoryPage(QWidget):
    """List and opened run.

    Attributes:
        run_view: The opened run.

    Signals:
        chat_requested: Id of the chat to go on with.
        status_message: A sentence for the status bar.
    """

    chat_requested = Signal(str)
    status_message = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("History")
        self._context = context
        self._open_id = ""
        self._table = RunTable(context.history, context.jobs, self)
        self._search = QLineEdit(placeholderText="Search prompts, answers, models")
        self._kinds = _choice("Kind", {"": "All kinds", **KIND_WORDS})
        self._states = _choice("State", {"": "Any state", **STATE_WORDS})
        self._count = muted()
        self._view = QTableView()
        self._empty = EmptyState("history", *LOADING)
        self._list = QStackedWidget()
        self.run_view = RunView()
        self._nothing_open = EmptyState("blocks", "No run opened", "Choose one from the list.")
        self._detail = QStackedWidget()
        self._splitter = QSplitter()
        self._delay = QTimer(self, singleShot=True, interval=SEARCH_DELAY_MS)
        self._delete = QAction(
            "Delete", self, shortcut=QKeySequence(QKeySequence.StandardKey.Delete)
        )
        self._build()
        self._connect()

    def _build(self) -> None:
        self._search.setClearButtonEnabled(True)
        self._search.setAccessibleName("Search the history")
        self._search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self._view.setModel(self._table)
        _prepare(self._view)
        self._view.addAction(self._delete)
        self._delete.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self._list.addWidget(self._empty)
        self._list.addWidget(self._view)
        self._detail.addWidget(self._nothing_open)
        self._detail.addWidget(self.run_view)
        self._splitter.addWidget(self._list)
        self._splitter.addWidget(self._detail)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setSizes([6, 5])
        filters = QHBoxLayout()
        filters.setSpacing(SPACE)
        filters.addWidget(self._search, 1)
        filters.addWidget(self._kinds)
        filters.addWidget(self._states)
        head = QHBoxLayout()
        head.addWidget(title("History"))
        head.addStretch(1)
        head.addWidget(self._count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(PAGE_MARGIN,) * 4)
        layout.setSpacing(3 * SPACE // 2)
        layout.addLayout(head)
        layout.addLayout(filters)
        layout.addWidget(self._splitter, 1)

    def _connect(self) -> None:
        history = self._context.history
        history.opened.connect(self._on_filter)
        history.changed.connect(self._on_changed)
        history.failed.connect(self._on_unavailable)
        self._search.textChanged.connect(self._delay.start)
        self._delay.timeout.connect(self._on_filter)
        self._kinds.currentIndexChanged.connect(self._on_filter)
        self._states.currentIndexChanged.connect(self._on_filter)
        self._table.filled.connect(self._on_filled)
        self._view.selectionModel().selectionChanged.connect(self._on_selected)
        self._delete.triggered.connect(self.delete_selected)
        self.run_view.chat_requested.connect(self.chat_requested)
        self.run_view.export_requested.connect(self.export_selected)
        self.run_view.delete_requested.connect(self.delete_selected)

    # What others ask for

    def open_run(self, run_id: str) -> None:
        """Open one run, listed or not."""
        row = self._table.row_of(run_id)
        if row is not None:
            self._view.selectRow(row)
            return
        self._view.clearSelection()
        self._read(run_id)

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    # The list

    @Slot()
    def _on_filter(self) -> None:
        kind, state = self._kinds.currentData(), self._states.currentData()
        wanted = RunFilter(kind=kind or None, state=state or None, search=self._search.text())
        self._table.show(wanted)

    @Slot()
    def _on_changed(self) -> None:
        if self.isVisible():
            self._table.refresh()

    @Slot()
    def _on_filled(self) -> None:
        total = self._table.total
        self._count.setText(many(total, "run"))
        is_filtered = bool(
            self._search.text() or self._kinds.currentIndex() or self._states.currentIndex()
        )
        self._empty.set_text(*(NO_MATCH if is_filtered else EMPTY))
        self._list.setCurrentIndex(1 if self._table.rowCount() else 0)

    @Slot(object)
    def _on_unavailable(self, error: KnownError) -> None:
        self._empty.set_text(UNAVAILABLE, str(error))
        self._list.setCurrentIndex(0)
        for widget in (self._search, self._kinds, self._states):
            widget.setEnabled(False)

    def _selected_ids(self) -> list[str]:
        rows = self._view.selectionModel().selectedRows()
        ids = [self._table.run_at(index.row()).id for index in sorted(rows)]
        return ids or ([self._open_id] if self._open_id else [])

    # The opened run

    @Slot(QItemSelection, QItemSelection)
    def _on_selected(self, _new: QItemSelection, _old: QItemSelection) -> None:
        rows = self._view.selectionModel().selectedRows()
        if len(rows) == 1:
            self._read(self._table.run_at(rows[0].row()).id)

    def _read(self, run_id: str) -> None:
        store = self._context.history.store
        self._open_id = run_id
        if store is None:
            return

        def work(_cancel: Cancel, _progress: Progress) -> OpenedRun:
            return OpenedRun(store.get_run(run_id), store.trace(run_id))

        self._context.jobs.start(work, self._on_opened)

    @Slot(object)
    def _on_opened(self, opened: OpenedRun) -> None:
        if opened.run.id == self._open_id:  # a later click may have overtaken this one
            self.run_view.show_run(opened)
            self._detail.setCurrentIndex(1)

    @Slot()
    def delete_selected(self) -> None:
        """Delete what is selected, after asking."""
        ids = self._selected_ids()
        store = self._context.history.store
        if store is None or not ids:
            return
        what = "this run" if len(ids) == 1 else f"these {len(ids)} runs"
        if not confirm_delete(self, f"Delete {what} from the history? This cannot be undone."):
            return

        def work(_cancel: Cancel, _progress: Progress) -> int:
            return store.delete_runs(ids)

        self._context.jobs.start(work, self._on_deleted)

    @Slot(object)
    def _on_deleted(self, count: int) -> None:
        self._open_id = ""
        self._detail.setCurrentIndex(0)
        self.status_message.emit(f"{many(count, 'run')} deleted.")
        self._context.history.changed.emit()

    @Slot()
    def export_selected(self) -> None:
        """Write what is selected into a file whose form the user chooses."""
        ids = self._selected_ids()
        store = self._context.history.store
        if store is None or not ids:
            return
        filters = ";;".join(FILE_FILTERS[form] for form in FORMATS)
        name = f"stride-{ids[0]}" if len(ids) == 1 else "stride-runs"
        chosen, kind = QFileDialog.getSaveFileName(self, "Export", name, filters)
        if not chosen:
            return
        form = next(form for form in FORMATS if FILE_FILTERS[form] == kind)
        out = _with_suffix(Path(chosen), kind)

        def work(_cancel: Cancel, _progress: Progress) -> str:
            write_export(store, ids, form, out)
            return f"Exported to {out}."

        self._context.jobs.start(work, self.status_message.emit)

    # Qt's own

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._table.refresh()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < NARROW
        wish = Qt.Orientation.Vertical if is_narrow else Qt.Orientation.Horizontal
        if self._splitter.orientation() != wish:
            self._splitter.setOrientation(wish)
            self._splitter.setSizes([2, 3] if is_narrow else [6, 5])


def _choice(name: str, entries: dict[str, str]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    for value, word in entries.items():
        combo.addItem(word, value)
    return combo


def _prepare(view: QTableView) -> None:
    view.setAccessibleName("Runs")
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(36)
    header = view.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    header.setHighlightSections(False)


def _with_suffix(path: Path, kind: str) -> Path:
    """The chosen file, with the suffix of its form where the user gave none."""
    suffix = kind.rsplit("*", 1)[1].rstrip(")")
    return path if path.suffix else path.with_name(path.name + suffix)
