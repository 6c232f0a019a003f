"""The only door from the window to a loaded model: a controller over a worker in its thread.

One long-lived thread holds one session. Wishes go to it as queued signals, its answers come
back as queued signals into slots of the controller, which lives in the GUI thread. Two plain
thread-safe objects go past the queue, because they must act on the very next pass: `Cancel`
and `Threshold`.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QThread, Signal, Slot

from app.workers.decoding import AnswerTask, EngineWorker, SessionFactory, StoreGetter
from core.control import Cancel, Threshold
from core.engine.request import LoadSpec, Request, SessionInfo
from core.events import GenerationEvent


class EngineController(QObject):
    """What the window talks to; lives in the GUI thread.

    Signals as in `EngineWorker`. Everything returns at once except `close`.

    Args:
        open_session: Opens a session; called in the worker's thread.
        get_store: The history that answers are written into; None keeps no record.
    """

    loading = Signal(str, int, int)
    loaded = Signal(object)
    unloaded = Signal()
    started_answer = Signal(str)
    warned = Signal(str)
    answer_event = Signal(object)
    failed = Signal(object)
    finished = Signal()

    _load_wanted = Signal(object, object)
    _unload_wanted = Signal()
    _answer_wanted = Signal(object)
    _work_wanted = Signal(object)

    def __init__(
        self,
        open_session: SessionFactory,
        get_store: StoreGetter = lambda: None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.info: SessionInfo | None = None
        self.is_answering = False
        self._loads = 0
        self._cancel = Cancel()
        self._threshold = Threshold(0.9)
        self._thread = QThread()
        self._thread.setObjectName("engine")
        self._worker = EngineWorker(open_session, get_store)
        self._worker.moveToThread(self._thread)
        self._connect()
        self._thread.start()

    def _connect(self) -> None:
        worker = self._worker
        self._load_wanted.connect(worker.load)
        self._unload_wanted.connect(worker.unload)
        self._answer_wanted.connect(worker.generate)
        self._work_wanted.connect(worker.do)
        worker.loading.connect(self._on_loading)
        worker.load_over.connect(self._on_load_over)
        worker.loaded.connect(self._on_loaded)
        worker.unloaded.connect(self._on_unloaded)
        worker.started_answer.connect(self._on_started_answer)
        worker.warned.connect(self._on_warned)
        worker.answer_event.connect(self._on_answer_event)
        worker.failed.connect(self._on_failed)
        worker.finished.connect(self._on_finished)
        self._thread.finished.connect(worker.unload)

    @property
    def is_loading(self) -> bool:
        """Whether a load is under way."""
        return self._loads > 0

    @property
    def is_ready(self) -> bool:
        """Whether an answer can be asked for now."""
        return self.info is not None and not self.is_loading and not self.is_answering

    def load(self, spec: LoadSpec) -> None:
        """Load a model in place of the one loaded; a running answer is stopped first."""
        self._cancel.set()
        self._cancel = Cancel()
        self._loads += 1
        self._load_wanted.emit(spec, self._cancel)

    def unload(self) -> None:
        """Free the model's memory; a running answer is stopped first."""
        self._cancel.set()
        self._unload_wanted.emit()

    def generate(self, request: Request, chat_id: str | None = None) -> None:
        """Decode one answer; its events come as `answer_event`, then `finished`."""
        if not self.is_ready:
            raise RuntimeError("the engine is not ready for an answer")
        self._cancel = Cancel()
        self.is_answering = True
        self._answer_wanted.emit(AnswerTask(request, chat_id, self._cancel, self._threshold))

    def do(self, work: Callable[[], None]) -> None:
        """Let other work be done in the engine's thread, after what was asked before."""
        self._work_wanted.emit(work)

    def cancel(self) -> None:
        """Stop the load or the answer under way, within one pass."""
        self._cancel.set()

    def set_threshold(self, value: float) -> None:
        """Put a threshold in force from the next pass on."""
        self._threshold.set(value)

    @Slot()
    def set_exact(self) -> None:
        """Let every token be checked from the next pass on."""
        self._threshold.set_exact()

    def close(self, timeout_ms: int = 5000) -> bool:
        """Stop everything, free the model and end the thread; whether that was in time."""
        self._cancel.set()
        self._thread.quit()
        return self._thread.wait(timeout_ms)

    @Slot(str, int, int)
    def _on_loading(self, phase: str, done: int, total: int) -> None:
        self.loading.emit(phase, done, total)

    @Slot()
    def _on_load_over(self) -> None:
        self._loads -= 1

    @Slot(object)
    def _on_loaded(self, info: SessionInfo) -> None:
        self.info = info
        self.loaded.emit(info)

    @Slot()
    def _on_unloaded(self) -> None:
        self.info = None
        self.unloaded.emit()

    @Slot(str)
    def _on_started_answer(self, run_id: str) -> None:
        self.started_answer.emit(run_id)

    @Slot(str)
    def _on_warned(self, sentence: str) -> None:
        self.warned.emit(sentence)

    @Slot(object)
    def _on_answer_event(self, event: GenerationEvent) -> None:
        self.answer_event.emit(event)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.failed.emit(error)

    @Slot()
    def _on_finished(self) -> None:
        self.is_answering = False
        self.finished.emit()
