"""Work that computes with torch besides answers: in the engine's thread, the chat model away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.workers.jobs import Job, Work

if TYPE_CHECKING:
    from app.context import AppContext

LOADING = "A model is being loaded."


class EngineWork(QObject):
    """One piece of such work at a time; the chat model comes back once it is over.

    Args:
        context: What it needs of the window.
        name: What the work is, with its article: "a race".
        parent: Of this object.

    Signals:
        progress: Phase, done, total.
        succeeded: What the work returned; not after a stop.
        over: It has ended, in whatever way.
        hindrance_changed: `hindrance` may be another one.
    """

    progress = Signal(str, object, object)
    succeeded = Signal(object)
    over = Signal()
    hindrance_changed = Signal()

    def __init__(self, context: AppContext, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self._context = context
        self._waiting: Work | None = None
        self._job: Job | None = None
        context.engine.unloaded.connect(self._on_unloaded)
        for change in (
            *(context.engine.loading, context.engine.loaded, context.engine.unloaded),
            *(context.training.began, context.training.ended, context.loan.borrowers_changed),
        ):
            change.connect(self.hindrance_changed)

    @property
    def is_at_work(self) -> bool:
        """Whether some is under way, or waits for the memory."""
        return self._job is not None or self._waiting is not None

    @property
    def hindrance(self) -> str:
        """Why none can begin, "" if some can."""
        if self._context.training.at_work is not None:
            return f"A training is at work: {self.name} beside it would measure both."
        if self._context.engine.is_loading:
            return LOADING
        for one in self._context.loan.borrowers - {self}:
            if isinstance(one, EngineWork):  # behind it this work would wait in silence
                begun = one.name.capitalize()
                return f"{begun} is at work: {self.name} can begin once it is over."
        return ""

    def start(self, work: Work) -> None:
        """Do some as soon as the memory is free; it opens what it needs by `open_session`."""
        if self._context.loan.lend(self):
            self._waiting = work
        else:
            self._run(work)

    @Slot()
    def stop(self) -> None:
        """End it as soon as may be."""
        if self._job is not None:
            self._job.cancel()
        elif self._waiting is not None:
            self._waiting = None
            self._context.loan.take_back(self)
            self.over.emit()

    def _run(self, work: Work) -> None:
        self._job = self._context.jobs.start(
            work,
            self._on_succeeded,
            progress=self._on_progress,
            finished=self._on_finished,
            run=self._context.engine.do,
        )

    @Slot(str, object, object)
    def _on_progress(self, phase: str, done: int, total: int) -> None:
        self.progress.emit(phase, done, total)

    @Slot(object)
    def _on_succeeded(self, result: object) -> None:
        self.succeeded.emit(result)

    @Slot()
    def _on_unloaded(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and self._context.loan.is_lent:  # else Stride closes
            self._run(waiting)

    @Slot()
    def _on_finished(self) -> None:
        self._job = None
        self.over.emit()
        self._context.loan.take_back(self)
