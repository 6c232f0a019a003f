"""Begins and stops work in the engine's thread: says why none can begin, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.widgets.text import SPACE, button, muted
from app.workers.engine_work import EngineWork


class WorkRow(QWidget):
    """Buttons in a row, below them the progress of work that is under way.

    Args:
        work: What is stopped here.
        start: The button that begins it.
        others: More buttons that are there while none is under way.
    """

    def __init__(self, work: EngineWork, start: QPushButton, *others: QPushButton) -> None:
        super().__init__()
        self._work = work
        self._start, self._others = start, others
        self.stop = button("Stop", "stop")
        self.stop.clicked.connect(work.stop)
        self.why = muted()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self._phase = muted()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3 * SPACE // 2)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for one in (start, self.stop, *others):
            row.addWidget(one)
        row.addWidget(self.why, 1)
        column.addLayout(row)
        column.addWidget(self._bar)
        column.addWidget(self._phase)

    def show_state(self, missing: str) -> None:
        """Show what can be done now.

        Args:
            missing: Why nothing can begin, "" if it can.
        """
        at_work = self._work.is_at_work
        for one in (self._start, *self._others):
            one.setVisible(not at_work)
        for other in (self.stop, self._bar, self._phase):
            other.setVisible(at_work)
        self._start.setEnabled(not missing)
        self.why.setText("" if at_work else missing)

    @Slot(str, object, object)
    def show_progress(self, words: str, done: int, total: int) -> None:
        """Show how far the work is; a total of 0 means that the end is not known."""
        self._phase.setText(words)
        self._bar.setRange(0, total)
        self._bar.setValue(done)
