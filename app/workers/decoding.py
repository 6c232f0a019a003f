"""The engine's worker: holds the session and lives, as every slot of it, in its own thread."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal, Slot

from app.errors import without_frames
from app.workers.preload import import_models
from core.control import Cancel, Threshold
from core.engine.request import LoadSpec, Request, SessionInfo
from core.errors import Cancelled
from core.events import GenerationEvent
from core.paths import Paths

if TYPE_CHECKING:
    from app.context import SettingsHolder
    from core.history.store import HistoryStore

LOG = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


class EngineSession(Protocol):
    """What the worker needs of `core.engine.session.Session`."""

    @property
    def info(self) -> SessionInfo:
        """What is loaded."""

    def stream(
        self, request: Request, cancel: Cancel, threshold: Threshold
    ) -> Iterator[GenerationEvent]:
        """Decode one answer."""

    def close(self) -> None:
        """Free the memory."""


@dataclass(frozen=True)
class AnswerTask:
    """One answer to decode, with the objects that steer it."""

    request: Request
    chat_id: str | None
    cancel: Cancel
    threshold: Threshold


SessionFactory = Callable[[LoadSpec, Progress], EngineSession]
StoreGetter = Callable[[], "HistoryStore | None"]


def session_factory(paths: Paths, settings: SettingsHolder) -> SessionFactory:
    """Opens real sessions; torch is imported on first use, in the worker's thread."""

    def open_real_session(spec: LoadSpec, progress: Progress) -> EngineSession:
        import_models()
        from core.engine.session import open_session

        return open_session(spec, paths, settings.value, progress)

    return open_real_session


class EngineWorker(QObject):
    """Holds the session; every slot runs in the worker's thread.

    Signals:
        loading: Phase, done, total of a load.
        loaded: `SessionInfo` of the session now ready.
        unloaded: No session is loaded any more.
        load_over: A load has ended, in whatever way; comes before what it came to.
        started_answer: Row of the history, empty when the answer is not recorded.
        warned: A sentence: this answer may be missing from the history.
        answer_event: One `GenerationEvent`.
        failed: The exception that ended a load or an answer.
        finished: An answer is over, in whatever way.
    """

    loading = Signal(str, int, int)
    loaded = Signal(object)
    unloaded = Signal()
    load_over = Signal()
    started_answer = Signal(str)
    warned = Signal(str)
    answer_event = Signal(object)
    failed = Signal(object)
    finished = Signal()

    def __init__(self, open_session: SessionFactory, get_store: StoreGetter) -> None:
        super().__init__()
        self._open_session = open_session
        self._get_store = get_store
        self._session: EngineSession | None = None

    @Slot(object, object)
    def load(self, spec: LoadSpec, cancel: Cancel) -> None:
        """Replace the session; the old one goes first, there may be no room for both."""

        def progress(phase: str, done: int, total: int) -> None:
            cancel.check()
            self.loading.emit(phase, done, total)

        self.unload()
        try:
            self._session = self._open_session(spec, progress)
        except Cancelled:
            self.load_over.emit()
            self.unloaded.emit()
        except Exception as error:  # noqa: BLE001  (the thread's edge)
            self.load_over.emit()
            self._fail(error)
            self.unloaded.emit()
        else:
            self.load_over.emit()
            self.loaded.emit(self._session.info)

    @Slot()
    def unload(self) -> None:
        """Free the session's memory."""
        if self._session is None:
            return
        session, self._session = self._session, None
        session.close()
        _give_memory_back()
        self.unloaded.emit()

    @Slot(object)
    def do(self, work: Callable[[], None]) -> None:
        """Do other work that computes with torch.

        A second thread would bring a second team of OpenMP threads, and two teams on the same
        cores make each pass two and a half times as long (measured: 24 to 9 tokens a second).
        """
        work()

    @Slot(object)
    def generate(self, task: AnswerTask) -> None:
        """Decode one answer to its end."""
        try:
            for event in self._events(task):
                self.answer_event.emit(event)
        except Exception as error:  # noqa: BLE001  (the thread's edge)
            self._fail(error)
        self.finished.emit()

    def _events(self, task: AnswerTask) -> Iterator[GenerationEvent]:
        if self._session is None:
            raise RuntimeError("an answer was asked for while no model is loaded")
        events = self._session.stream(task.request, task.cancel, task.threshold)
        store = self._get_store()
        if store is None:
            self.started_answer.emit("")
            return events
        from core.history.recorder import record_answer

        return record_answer(
            events,
            store=store,
            request=task.request,
            info=self._session.info,
            source="app",
            chat_id=task.chat_id,
            on_start=self.started_answer.emit,
            warn=self.warned.emit,
        )

    def _fail(self, error: Exception) -> None:
        LOG.warning("engine: %s", error, exc_info=error)
        self.failed.emit(without_frames(error))


def _give_memory_back() -> None:
    """Glibc keeps freed weights in its heap (half of a small model's): ask it to let go."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another libc does so by itself
            ctypes.CDLL(None).malloc_trim(0)
