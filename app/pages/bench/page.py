"""Benchmark: a model's thresholds over many prompts, speed against quality."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from app.context import AppContext
from app.pages.bench.setup import BenchSetup
from app.widgets.card import ScrollPage
from app.widgets.text import button, muted, title
from app.widgets.units import time_left_text
from app.widgets.work_row import WorkRow
from app.workers.engine_work import EngineWork
from app.workers.jobs import Progress
from core.control import Cancel
from core.engine.request import LoadSpec, SessionInfo
from core.errors import KnownError
from core.evaluate.bench.bench import BenchPlan
from core.evaluate.bench.judged import Row
from core.evaluate.bench.record import BenchRecord, BenchRecorder, read_bench
from core.evaluate.bench.table import bench_table
from core.history.measured import measured_run

if TYPE_CHECKING:
    from app.pages.bench.outcome import BenchOutcome

ABOUT = (
    "Every threshold decodes the same prompts in turn with one-token decoding. What is measured is "
    "written down prompt by prompt: a benchmark that was stopped can go on. The chat model is "
    "unloaded meanwhile."
)
NO_MODEL = "Load a model with an adapter first."
MEASURING = "Measuring"
STOPPED_FOR_TRAINING = "A training began: the benchmark was stopped, and can go on later."
FILE_FILTER = "Benchmarks (*.jsonl)"


@dataclass(frozen=True)
class Found:
    """What a file holds; no report while not even one prompt is done."""

    path: Path
    record: BenchRecord
    report: Row | None


class BenchPage(ScrollPage):
    """Sets up a benchmark, runs it in the engine's thread, shows it.

    Signals:
        way_chosen: Strategy, threshold and k_max to decode with from now on.
        status_message: A sentence for the status bar.
    """

    way_chosen = Signal(str, float, int)
    status_message = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Benchmark")
        self._context = context
        self._info: SessionInfo | None = None
        self._path = Path()
        self._record: BenchRecord | None = None
        self._clock = (0.0, 0)
        self._work = EngineWork(context, "a benchmark", self)
        self._setup = BenchSetup()
        self._start = button("Measure", "play", "primary")
        self._go_on = button("Go on", "play")
        self._open = button("Open a benchmark…", "folder")
        self._row = WorkRow(self._work, self._start, self._go_on, self._open)
        self._outcome: BenchOutcome | None = None
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        self.column.addWidget(title("Benchmark"))
        self.column.addWidget(muted(ABOUT))
        self.column.addWidget(self._setup)
        self._setup.body.addWidget(self._row)

    def _connect(self) -> None:
        engine, training = self._context.engine, self._context.training
        engine.loaded.connect(self._on_loaded)
        engine.unloaded.connect(self._on_unloaded)
        training.began.connect(self._on_training)
        self._work.hindrance_changed.connect(self._show)
        training.listed.connect(self._setup.show_runs)
        self._work.progress.connect(self._on_progress)
        self._work.over.connect(self._on_over)
        self._start.clicked.connect(self._on_start)
        self._go_on.clicked.connect(self._on_go_on)
        self._open.clicked.connect(self._on_open)

    @property
    def outcome(self) -> BenchOutcome:
        """What it came to; made when there is a first one, as its charts take a while."""
        if self._outcome is None:
            from app.pages.bench.outcome import BenchOutcome

            self._outcome = BenchOutcome()
            self._outcome.way_chosen.connect(self.way_chosen)
            self._outcome.failed.connect(self._context.jobs.failed)
            self._outcome.status_message.connect(self.status_message)
            self.column.addWidget(self._outcome)
        return self._outcome

    @property
    def _missing(self) -> str:
        """Why nothing can be measured, "" if it can."""
        info = self._info
        reasons = {
            NO_MODEL: info is None,
            self._work.hindrance: True,
        }
        return next((why for why, holds in reasons.items() if holds), "")

    # The benchmark

    @Slot()
    def _on_start(self) -> None:
        assert self._info is not None  # else there is a reason why none can begin
        try:
            planner = self._setup.planner(self._info)
        except KnownError as error:
            self._context.jobs.failed.emit(error)
            return
        path = self._context.paths.benches / f"{time.strftime('%Y%m%d-%H%M%S')}.jsonl"
        self._run(path, planner, self._setup.title)

    @Slot()
    def _on_go_on(self) -> None:
        record = self._record
        assert record is not None
        self._run(self._path, lambda: record.plan, record.facts["title"])

    def _run(self, path: Path, planner: Callable[[], BenchPlan], title: str) -> None:
        info, settings = self._info, self._context.settings.value
        assert info is not None
        load = LoadSpec(
            info.model_path, info.adapter_path or "none", settings.device, settings.dtype
        )
        open_session, cache = self._context.open_session, self._context.paths.cache

        def work(cancel: Cancel, progress: Progress) -> None:
            def loading(phase: str, done: int, total: int) -> None:
                cancel.check()
                progress(phase, done, total)

            plan = planner()
            session: Any = open_session(load, loading)
            try:
                with closing(BenchRecorder(session, plan, title, cache, path)) as recorder:
                    for done in recorder.bench.measure(cancel):
                        progress(MEASURING, done, recorder.bench.plan.total)
            finally:
                session.close()

        self.outcome.clear()
        self._path, self._record = path, None
        self._clock = (0.0, 0)
        self._row.show_progress("", 0, 0)
        self._work.start(work)
        self._show()

    @Slot()
    def _on_training(self) -> None:
        """A training beside it would measure both."""
        if self._work.is_at_work:
            self._work.stop()
            self.status_message.emit(STOPPED_FOR_TRAINING)

    @Slot(str, object, object)
    def _on_progress(self, phase: str, done: int, total: int) -> None:
        words = self._pace(done, total) if phase == MEASURING else phase
        self._row.show_progress(words, done, total)

    def _pace(self, done: int, total: int) -> str:
        """How far it is in words, and what is left by the pace so far."""
        now = time.monotonic()
        began, first = self._clock
        if not began or done == first:  # not before the warm-up is over
            began, first = self._clock = now, done
        words = f"{done} of {total} answers"
        if done > first:
            left = (now - began) / (done - first) * (total - done)
            words = f"{words}, {time_left_text(left)}"
        return words

    @Slot()
    def _on_over(self) -> None:
        """Show what was written down, however it ended."""
        self._show()
        if self._path.is_file():
            self._read(self._path, self._on_measured)

    # Showing it

    @Slot()
    def _on_open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Open a benchmark", str(self._context.paths.benches), FILE_FILTER
        )
        if name:
            self._read(Path(name), self._on_read)

    def _read(self, path: Path, then: Callable[[Found], None]) -> None:
        def work(_cancel: Cancel, _progress: Progress) -> Found:
            record = read_bench(path)
            return Found(path, record, record.report() if any(record.runs) else None)

        self._context.jobs.start(work, then)

    @Slot(object)
    def _on_read(self, found: Found) -> None:
        if self._work.is_at_work:
            return
        self._path, self._record = found.path, found.record
        self.outcome.clear()
        if found.report is not None:
            self.outcome.show_report(found.report)
        self._show()

    @Slot(object)
    def _on_measured(self, found: Found) -> None:
        self._on_read(found)
        store, report = self._context.history.store, found.report
        if store is None or report is None:
            return
        title, table = f"Benchmark: {report['title']}", bench_table(report)
        # The same row again when it has gone on.
        run = replace(measured_run("bench", title, table, report, "app"), id=found.path.stem)
        self._context.jobs.start(lambda _cancel, _progress: store.save_run(run), self._on_kept)

    @Slot(object)
    def _on_kept(self, _: object) -> None:
        self._context.history.changed.emit()

    # What can be done now

    @Slot(object)
    def _on_loaded(self, info: SessionInfo) -> None:
        self._info = info
        self._show()

    @Slot()
    def _on_unloaded(self) -> None:
        if not self._context.loan.is_lent:
            self._info = None
        self._show()

    @Slot()
    def _show(self) -> None:
        at_work = self._work.is_at_work
        is_cut = self._record is not None and not self._record.is_complete
        other = "" if self._record is None else _other_model(self._record, self._info)
        self._row.show_state(self._missing)
        self._go_on.setVisible(is_cut and not at_work)
        self._go_on.setEnabled(not self._missing and not other)
        self._go_on.setToolTip(other)


def _other_model(record: BenchRecord, info: SessionInfo | None) -> str:
    """What to load for a benchmark to go on, "" if it is loaded."""
    facts, plan = record.facts, record.plan
    if plan.draft or plan.heads:
        return "It was measured with another model's help: go on with `stride bench --record`."
    if info is not None and (info.model, info.adapter) == (facts["model"], facts["adapter"]):
        return ""
    return f"Load {facts['model']} with the adapter {facts['adapter']} to go on."
