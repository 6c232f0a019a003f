"""How far the training at work is, whichever run the window shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.workers.jobs import Job, Jobs, Progress
from core.control import Cancel
from core.train.follow import EventTail
from core.train.progress import RunProgress

LOOK_MS = 2000


@dataclass
class _Watched:
    """The run at work, read as far as it has come."""

    folder: Path
    tail: EventTail
    progress: RunProgress = field(default_factory=RunProgress)


class RunWatch(QObject):
    """Reads what the run at work writes, every few seconds in a pool thread.

    Signals:
        progressed: Its folder and `RunProgress`; to be read at once, as it goes on.
    """

    progressed = Signal(object, object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        self._watched: _Watched | None = None
        self._reading: _Watched | None = None
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._on_look)

    def watch(self, run_dir: Path) -> None:
        """Follow another run."""
        self._watched = _Watched(run_dir, EventTail(run_dir))
        self._timer.start()
        self._on_look()

    def end(self) -> None:
        """There is none at work."""
        self._watched = None
        self._timer.stop()

    @Slot()
    def _on_look(self) -> None:
        watched = self._watched
        if self._job is not None or watched is None:
            return

        def read(_cancel: Cancel, _progress: Progress) -> _Watched:
            watched.progress.take(watched.tail.read())
            return watched

        self._reading = watched
        self._job = self._jobs.start(read, self._on_read, self._on_failed, finished=self._on_done)

    @Slot(object)
    def _on_read(self, watched: _Watched) -> None:
        if watched is self._watched:
            self.progressed.emit(watched.folder, watched.progress)

    @Slot(object)
    def _on_failed(self, _error: object) -> None:
        if self._reading is self._watched:
            self.end()  # the page of the run says why

    @Slot()
    def _on_done(self) -> None:
        self._job = None
