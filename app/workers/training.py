"""The only door from the window to trainings: one at work, others in line, each a process.

A training does not need the window: closing it ends nothing, and the next start finds the run
again by its folder. What the window shows is read from the run's events.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.context import History
from app.workers.jobs import Job, Jobs, Progress
from app.workers.run_lines import RunLine, read_lines
from app.workers.watch import RunWatch
from core.control import Cancel
from core.errors import KnownError
from core.events import TrainingEvent
from core.history.training import FORECAST_FILE, is_at_work
from core.paths import Paths
from core.train import queue, wishes
from core.train.follow import EventTail
from core.train.forecast import Forecast
from core.train.process import TrainingProcess, end_run, new_run
from core.train.spec import TrainSpec

LOOK_MS = 500


@dataclass(frozen=True)
class Opened:
    """A run read from its beginning."""

    folder: Path
    tail: EventTail
    events: list[TrainingEvent]


class TrainingController(QObject):
    """What the window talks to; lives in its thread.

    Signals:
        listed: The newest runs, as a list of `RunLine`.
        opened: Folder and all events so far of the run now followed.
        grew: New events of the run now followed.
        progressed: Folder and `RunProgress` of the run at work, now and then; see `RunWatch`.
        began: Folder of a run whose process was started.
        ended: Folder of a run whose process is gone.
        failed: The `KnownError` that kept something from being done.
    """

    listed = Signal(list)
    opened = Signal(object, list)
    grew = Signal(list)
    progressed = Signal(object, object)
    began = Signal(object)
    ended = Signal(object)
    failed = Signal(object)

    def __init__(
        self, paths: Paths, jobs: Jobs, history: History, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._paths, self._jobs, self._history = paths, jobs, history
        self._process: TrainingProcess | None = None
        self._at_work: Path | None = None
        self._wanted: Path | None = None
        self._followed: Opened | None = None
        self._lister: Job | None = None
        self._watch = RunWatch(jobs, self)
        self._watch.progressed.connect(self.progressed)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._on_look)

    @property
    def at_work(self) -> Path | None:
        """Folder of the run whose process is there."""
        return self._at_work

    def open(self) -> None:
        """Find the runs of earlier starts; one that is still at work is followed again."""
        self._timer.start()
        self._start_next()

    def close(self) -> None:
        """Look no more; what is at work goes on by itself."""
        self._timer.stop()
        self._watch.end()

    def refresh(self) -> None:
        """List the runs anew."""
        if self._lister is not None:
            self._lister.cancel()
        self._lister = self._jobs.start(
            lambda cancel, _progress: read_lines(self._paths, cancel), self._on_lines
        )

    def plan(self, spec: TrainSpec, forecast: Forecast | None, keep_chatting: bool) -> Path | None:
        """Make the folder of a training, which `resume` then begins.

        Args:
            spec: The training.
            forecast: What it is expected to take, to be held against what it takes.
            keep_chatting: Whether the chat model stays loaded while it is at work.

        Returns:
            The folder; None if it could not be made.
        """
        try:
            run_dir = new_run(spec, self._paths)
            if forecast is not None:
                text = json.dumps(asdict(forecast)) + "\n"
                (run_dir / FORECAST_FILE).write_text(text, encoding="utf-8")
            if not keep_chatting:
                wishes.ask_for_loan(run_dir)
        except (KnownError, OSError) as error:
            self._tell(error)
            return None
        return run_dir

    def look_again(self) -> None:
        """List the runs anew, those begun elsewhere meanwhile among them."""
        self._start_next()

    def resume(self, run_dir: Path) -> None:
        """Let a planned, stopped or broken-off run go on, once it is its turn."""
        if self._try(lambda: queue.put_in_line(run_dir)):
            self.follow(run_dir)
        self._start_next()

    def drop(self, run_dir: Path) -> None:
        """Take a run out of the line; see `queue.drop`."""
        self._try(lambda: queue.drop(run_dir))
        self.refresh()

    def follow(self, run_dir: Path) -> None:
        """Show a run from its first event on."""
        self._wanted, self._followed = run_dir, None

        def read(_cancel: Cancel, _progress: Progress) -> Opened:
            tail = EventTail(run_dir)
            return Opened(run_dir, tail, tail.read())

        self._jobs.start(read, self._on_opened)

    def pause(self, run_dir: Path) -> None:
        """Let a run wait after its running step."""
        self._try(lambda: wishes.pause(run_dir))

    def go_on(self, run_dir: Path) -> None:
        """End its pause."""
        self._try(lambda: wishes.go_on(run_dir))

    def stop(self, run_dir: Path, keep_best: bool = False) -> None:
        """Let it end after the running step, its adapter written."""
        self._try(lambda: wishes.ask_to_stop(run_dir, keep_best))

    def force_stop(self, run_dir: Path) -> None:
        """End its process tree; what is newer than its last checkpoint is lost."""
        self._jobs.start(lambda _cancel, _progress: end_run(run_dir))

    @Slot()
    def _on_look(self) -> None:
        if self._at_work is not None and not self._is_there():
            self._on_gone(self._at_work)
        self._read_on()

    def _read_on(self) -> None:
        """Tell what the followed run has written since."""
        if self._followed is None:
            return
        try:
            new = self._followed.tail.read()
        except (KnownError, OSError) as error:
            self._followed = None
            self._tell(error)
            return
        if new:
            self.grew.emit(new)

    def _is_there(self) -> bool:
        if self._process is not None:
            return self._process.exit_code is None
        return self._at_work is not None and is_at_work(self._at_work)

    def _on_gone(self, run_dir: Path) -> None:
        self._at_work, self._process = None, None
        self._watch.end()
        self._read_on()
        self._track(run_dir)
        self._start_next()
        self.ended.emit(run_dir)

    def _start_next(self) -> None:
        """Take over what another start or the command line has at work, else begin what waits."""
        if self._at_work is None:
            for run_dir in queue.at_work(self._paths):
                self._on_there(run_dir)
                break
        for run_dir in queue.waiting(self._paths):
            if self._at_work is not None:
                break
            self._begin(run_dir)
        self.refresh()

    def _begin(self, run_dir: Path) -> None:
        try:
            queue.take_out(run_dir)
            self._process = TrainingProcess(run_dir, "app")
        except (KnownError, OSError) as error:
            self._tell(error)
            return
        self._track(run_dir)
        self._on_there(run_dir)

    def _on_there(self, run_dir: Path) -> None:
        self._at_work = run_dir
        self._watch.watch(run_dir)
        self.began.emit(run_dir)

    def _try(self, change: Callable[[], None]) -> bool:
        """Change something in a run's folder; whether the disk let it happen."""
        try:
            change()
        except OSError as error:
            self._tell(error)
            return False
        return True

    def _tell(self, error: Exception) -> None:
        if not isinstance(error, KnownError):
            error = KnownError(f"The training's folder cannot be changed: {error}.")
        self.failed.emit(error)

    def _track(self, run_dir: Path) -> None:
        """Bring the history's row up to date."""
        store = self._history.get_store()
        if store is not None:
            self._jobs.start(
                lambda _cancel, _progress: store.track_training(run_dir), self._on_tracked
            )

    @Slot(object)
    def _on_tracked(self, _run_id: str) -> None:
        self._history.changed.emit()

    @Slot(object)
    def _on_lines(self, lines: list[RunLine]) -> None:
        self.listed.emit(lines)

    @Slot(object)
    def _on_opened(self, opened: Opened) -> None:
        if opened.folder == self._wanted:  # else another one was asked for meanwhile
            self._followed = opened
            self.opened.emit(opened.folder, opened.events)
