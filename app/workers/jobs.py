"""One-shot work off the window's thread, in one shape for all.

A job is a plain function `work(cancel, progress)`. What it returns or raises comes back as
signals in the window's thread. A failure that nobody handles is still shown: a `KnownError`
through `Jobs.failed`, a bug through `Jobs.crashed`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, QThreadPool, Signal, Slot

from app.errors import without_frames
from core.control import Cancel
from core.errors import Cancelled, KnownError

Progress = Callable[[str, int, int], None]
"""Phase, done, total; a total of 0 means that the end is not known."""

Work = Callable[[Cancel, Progress], Any]

PROGRESS_INTERVAL = 0.05
"""Seconds between two progress signals of one phase; a download would flood the window."""


class Job(QObject):
    """One piece of work; lives in the window's thread, only `run` is called in another.

    Signals:
        progress: Phase, done, total.
        succeeded: What the work returned.
        failed: The `KnownError` it raised; not after a cancel, when nobody waits for it.
        crashed: Any other exception it raised.
        finished: Always last, also after a cancel.
    """

    progress = Signal(str, object, object)
    succeeded = Signal(object)
    failed = Signal(object)
    crashed = Signal(object)
    finished = Signal()
    _reported = Signal(str, object, object)
    _ended = Signal(object, object)

    def __init__(self, work: Work, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self._cancel = Cancel()
        self._last_phase = ""
        self._last_report = 0.0
        # The work emits the two private signals from its own thread; these slots bring them
        # home, so that whoever listens to the public ones runs in the window's thread.
        self._reported.connect(self._on_reported)
        self._ended.connect(self._on_ended)

    def cancel(self) -> None:
        """Ask the work to stop; it then ends without a result."""
        self._cancel.set()

    def run(self) -> None:
        """Do the work; called in a pool thread."""
        result, error = None, None
        try:
            result = self._work(self._cancel, self._report)
        except Exception as caught:  # noqa: BLE001  (the edge of the thread)
            error = without_frames(caught)
        try:
            self._ended.emit(result, error)
        except RuntimeError:
            # The window and this object with it went away while the work was going on.
            return

    def _report(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        is_news = phase != self._last_phase or 0 < total <= done
        if not is_news and now - self._last_report < PROGRESS_INTERVAL:
            return
        self._last_phase, self._last_report = phase, now
        self._reported.emit(phase, done, total)

    @Slot(str, object, object)
    def _on_reported(self, phase: str, done: int, total: int) -> None:
        self.progress.emit(phase, done, total)

    @Slot(object, object)
    def _on_ended(self, result: Any, error: Exception | None) -> None:
        if isinstance(error, KnownError):
            if not self._cancel.is_set:
                self.failed.emit(error)
        elif error is not None and not isinstance(error, Cancelled):
            self.crashed.emit(error)
        elif error is None and not self._cancel.is_set:
            self.succeeded.emit(result)
        self.finished.emit()


class Jobs(QObject):
    """Starts jobs in a small pool and keeps them alive until they are done.

    Signals:
        failed: A `KnownError` of a job whose starter does not handle failures.
        crashed: A bug in any job.
    """

    failed = Signal(object)
    crashed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(4)
        self._running: set[Job] = set()

    def start(
        self,
        work: Work,
        succeeded: Callable[[Any], None] | None = None,
        failed: Callable[[Any], None] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        finished: Callable[[], None] | None = None,
        run: Callable[[Callable[[], None]], None] | None = None,
    ) -> Job:
        """Run `work` in the pool and bring its outcome to the given slots.

        Give bound methods of widgets: they are disconnected when the widget goes away. `run`
        takes the work to another thread than the pool's.
        """
        job = Job(work, self)
        job.failed.connect(failed or self.failed)
        job.crashed.connect(self.crashed)
        if succeeded is not None:
            job.succeeded.connect(succeeded)
        if progress is not None:
            job.progress.connect(progress)
        if finished is not None:
            job.finished.connect(finished)
        job.finished.connect(self._on_finished)
        self._running.add(job)
        (run or self._pool.start)(job.run)
        return job

    @property
    def is_idle(self) -> bool:
        """Whether nothing is running and every outcome was delivered."""
        return not self._running

    def cancel(self) -> None:
        """Ask all work to stop."""
        for job in self._running:
            job.cancel()

    def close(self, timeout: float = 5.0) -> bool:
        """Cancel what runs, then wait, with events flowing, until all has ended.

        Work that does not heed its cancel, such as saving a chat, is done to its end, and so
        is what its end sets off.

        Returns:
            Whether everything ended within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        self.cancel()
        flags = QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents
        QCoreApplication.processEvents(flags)
        while self._running and time.monotonic() < deadline:
            QCoreApplication.processEvents(flags, 20)
        return self._pool.waitForDone(max(int((deadline - time.monotonic()) * 1000), 0))

    @Slot()
    def _on_finished(self) -> None:
        job = self.sender()
        assert isinstance(job, Job)
        self._running.discard(job)
        job.deleteLater()
