"""The last answers of the history, one line each, to open them again."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from app.assets import icon
from app.context import AppContext
from app.widgets.card import Card
from app.widgets.text import muted
from app.widgets.units import moment_text
from app.workers.jobs import Progress
from core.control import Cancel
from core.history.records import RunFilter, RunRecord

SHOWN = 5


class RecentCard(Card):
    """The newest answers; hidden while there are none.

    Signals:
        run_requested: Id of the answer to open in the history.
    """

    run_requested = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__("Recent answers", parent=parent)
        self._context = context
        self._list = QListWidget()
        self._list.setProperty("role", "plain")
        self._list.setAccessibleName("Recent answers")
        self._list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.itemActivated.connect(self._on_activated)
        self._list.itemClicked.connect(self._on_activated)
        self.body.addWidget(muted("What you asked last, with every pass as it was."))
        self.body.addWidget(self._list)
        context.history.opened.connect(self.refresh)
        context.history.changed.connect(self.refresh)
        self.hide()

    @Slot()
    def refresh(self) -> None:
        """Read the newest answers again."""
        if self._context.history.store is not None:
            self._context.jobs.start(self._read, self._on_read)

    def _read(self, _cancel: Cancel, _progress: Progress) -> tuple[RunRecord, ...]:
        store = self._context.history.store
        return store.list_runs(RunFilter(kind="answer"), limit=SHOWN) if store else ()

    @Slot(object)
    def _on_read(self, runs: tuple[RunRecord, ...]) -> None:
        self._list.clear()
        for run in runs:
            rate = run.summary.get("tokens_per_pass")
            figure = f"   {rate:.1f} tokens a pass" if rate else ""
            when = moment_text(run.created_at, time.time())
            item = QListWidgetItem(icon("chat"), f"{run.title}\n{when}{figure}")
            item.setData(Qt.ItemDataRole.UserRole, run.id)
            self._list.addItem(item)
        self.setVisible(bool(runs))
        height = sum(self._list.sizeHintForRow(row) for row in range(self._list.count()))
        self._list.setFixedHeight(height + 4)

    @Slot(QListWidgetItem)
    def _on_activated(self, item: QListWidgetItem) -> None:
        self.run_requested.emit(item.data(Qt.ItemDataRole.UserRole))
