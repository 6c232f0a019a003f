"""Race: two ways of decoding one prompt, each measured alone, then shown as fast as they were."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QProgressBar, QWidget
from typing_extensions import override

from app.context import AppContext
from app.pages.race.lane import Lane
from app.pages.race.setup import ONE_TOKEN, RaceSetup, Side
from app.pages.race.verdict import explanation, headline
from app.widgets.card import Card, ScrollPage
from app.widgets.text import SPACE, body, button, heading, muted, title
from app.workers.inventory import AdapterChoice, Inventory
from app.workers.jobs import Job, Progress
from core.control import Cancel
from core.engine.request import LoadSpec, Message, Request, SessionInfo
from core.evaluate.lineup import Entry, Result, run_lineup
from core.evaluate.measure import NEXT_TOKEN, Way
from core.model.adapter_info import adapter_name, starter_adapter

TICK_MS = 33
ROOM_FOR_TWO = 700
"""Narrower pages show one side above the other."""
ABOUT = (
    "Each side is measured alone, several times after a warm-up; then the median runs are shown "
    "together, as fast as they were. The chat model is unloaded meanwhile."
)
SAME = "Both sides are the same: choose another one."
NO_MODEL = "Load a model first: it races against itself, with and without its adapter."


class RacePage(ScrollPage):
    """Sets up a race, runs it in the pool, shows it.

    Signals:
        unload_requested: The race wants the chat model's memory.
        reload_requested: It is over.
    """

    unload_requested = Signal()
    reload_requested = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Race")
        self._context = context
        self._inventory = Inventory()
        self._model, self._loaded_adapter = "", ""
        self._job: Job | None = None
        self._waiting: list[Entry] = []
        self._wants_reload = False
        self._results: list[Result] = []
        self._began = 0.0
        self._setup = RaceSetup(context.settings.value.threshold)
        self._start = button("Race", "race", "primary")
        self._stop = button("Stop", "stop")
        self._again = button("Show again", "refresh")
        self._why = muted()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._phase = muted()
        self._headline = heading("")
        self._explanation = body()
        self._lanes = Lane(), Lane()
        self._side_by_side = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._timer = QTimer(self, interval=TICK_MS)
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        self.column.addWidget(title("Race"))
        self.column.addWidget(muted(ABOUT))
        self.column.addWidget(self._setup)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for one in (self._start, self._stop, self._again):
            row.addWidget(one)
        row.addWidget(self._why, 1)
        self._setup.body.addLayout(row)
        self._setup.body.addWidget(self._bar)
        self._setup.body.addWidget(self._phase)
        self._verdict = Card()
        self._verdict.body.addWidget(self._headline)
        self._verdict.body.addWidget(self._explanation)
        self.column.addWidget(self._verdict)
        self._side_by_side.setSpacing(2 * SPACE)
        for lane in self._lanes:
            self._side_by_side.addWidget(lane, 1)
        self.column.addLayout(self._side_by_side)

    def _connect(self) -> None:
        engine = self._context.engine
        engine.loaded.connect(self._on_loaded)
        engine.unloaded.connect(self._on_unloaded)
        self._start.clicked.connect(self._on_start)
        self._stop.clicked.connect(self._on_stop)
        self._again.clicked.connect(self._on_again)
        self._timer.timeout.connect(self._on_tick)

    # What others ask for

    @Slot(object)
    def show_inventory(self, inventory: Inventory) -> None:
        """Take in what is on this machine now."""
        self._inventory = inventory
        self._show_sides()

    def offer(self, model: str, prompt: str, old: str, new: str) -> None:
        """Fill in a race of two adapters of a model.

        Args:
            model: Folder of the model.
            prompt: What to decode.
            old: Folder of one adapter; empty for one token a pass.
            new: Folder of the other.
        """
        self._model = model
        self._setup.show_sides(self._sides((old, new)), new)
        self._setup.choose(prompt, old, new)
        self._show()

    # Setting up

    def _sides(self, wanted: tuple[str, ...] = ()) -> list[Side]:
        """One token a pass, the adapters for the loaded one's weights, and those wanted."""
        known = {_folder_of(one): one for one in self._inventory.adapters}
        wanted = (self._loaded_adapter, *wanted)
        weights = {known[folder].base_hash for folder in wanted if folder in known}
        fitting = [folder for folder, one in known.items() if one.base_hash in weights]
        folders = dict.fromkeys(folder for folder in (*fitting, *wanted) if folder)
        return [Side(ONE_TOKEN), *(Side(_name_of(one, known), one) for one in folders)]

    def _show_sides(self) -> None:
        if self._job is None:
            kept = tuple(side.adapter for side in self._setup.sides)
            self._setup.show_sides(self._sides(kept), self._loaded_adapter)

    @Slot(object)
    def _on_loaded(self, info: SessionInfo) -> None:
        self._model = info.model_path
        self._loaded_adapter = info.adapter_path or ""
        self._show_sides()
        self._show()

    @Slot()
    def _on_unloaded(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and self.window().isVisible():  # else it was unloaded because Stride closes
            self._run(waiting)
        self._show()

    def _entries(self) -> list[Entry]:
        """Both sides; one-token decoding with the other side's adapter, so on the same weights."""
        settings = self._context.settings.value
        adapters = [side.adapter for side in self._setup.sides]
        entries = []
        for side in self._setup.sides:
            adapter = side.adapter or next((one for one in adapters if one), "none")
            load = LoadSpec(self._model, adapter, settings.device, settings.dtype)
            way = Way("confadapt", self._setup.threshold) if side.adapter else NEXT_TOKEN
            entries.append(Entry(side.label, load, way))
        return entries

    @property
    def _missing(self) -> str:
        """Why no race can begin, "" if one can."""
        if not self._model:
            return NO_MODEL
        left, right = self._setup.sides
        return SAME if left == right else ""

    # The race

    @Slot()
    def _on_start(self) -> None:
        if self._missing or not self._setup.prompt.strip():
            self._show()
            return
        self._results = []
        for lane, side in zip(self._lanes, self._setup.sides, strict=True):
            lane.prepare(side.label)
        if self._context.engine.info is None:
            self._run(self._entries())
        else:
            self._waiting, self._wants_reload = self._entries(), True
            self.unload_requested.emit()
        self._show()

    def _run(self, entries: list[Entry]) -> None:
        setup, open_session = self._setup, self._context.open_session
        request = Request((Message("user", setup.prompt),), max_new_tokens=setup.max_new_tokens)
        runs = setup.runs

        def work(cancel: Cancel, progress: Progress) -> list[Result]:
            return run_lineup(entries, request, runs, open_session, cancel, progress)

        self._job = self._context.jobs.start(
            work, self._on_results, progress=self._on_progress, finished=self._on_finished
        )

    @Slot()
    def _on_stop(self) -> None:
        self._waiting = []
        if self._job is not None:
            self._job.cancel()
        self._show()

    @Slot(str, object, object)
    def _on_progress(self, phase: str, done: int, total: int) -> None:
        self._phase.setText(phase)
        self._bar.setRange(0, total)
        self._bar.setValue(done)

    @Slot(object)
    def _on_results(self, results: list[Result]) -> None:
        self._results = results
        for lane, result in zip(self._lanes, results, strict=True):
            lane.prepare(result.entry.label, result.racer.median_lap[1])
        self._on_again()

    @Slot()
    def _on_finished(self) -> None:
        self._job = None
        self._show_sides()
        self._show()
        if self._wants_reload:
            self._wants_reload = False
            self.reload_requested.emit()

    @Slot()
    def _on_again(self) -> None:
        for lane, result in zip(self._lanes, self._results, strict=True):
            lane.prepare(result.entry.label, result.racer.median_lap[1])
        self._began = time.monotonic()
        self._timer.start()
        self._show()
        QTimer.singleShot(0, self._scroll_to_lanes)  # once they have their place

    @Slot()
    def _scroll_to_lanes(self) -> None:
        self.ensureWidgetVisible(self._lanes[0])

    @Slot()
    def _on_tick(self) -> None:
        elapsed = time.monotonic() - self._began
        over = [lane.show_at(elapsed) for lane in self._lanes]
        if all(over):
            self._timer.stop()
            self._show()

    def _show(self) -> None:
        at_work = self._job is not None or bool(self._waiting)
        is_over = bool(self._results) and not self._timer.isActive()
        self._start.setVisible(not at_work)
        self._start.setEnabled(not self._missing)
        self._why.setText("" if at_work else self._missing)
        self._stop.setVisible(at_work)
        self._again.setVisible(is_over and not at_work)
        for one in (self._bar, self._phase):
            one.setVisible(at_work)
        for lane in self._lanes:
            lane.setVisible(bool(self._results))
        self._verdict.setVisible(is_over)
        if is_over:
            self._headline.setText(headline(self._results))
            self._explanation.setText(explanation(self._results))

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._timer.isActive():
            self._timer.stop()
            for lane in self._lanes:
                lane.show_at(lane.duration)
            self._show()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < ROOM_FOR_TWO
        down, right = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._side_by_side.setDirection(down if is_narrow else right)


def _folder_of(choice: AdapterChoice) -> str:
    return str(starter_adapter()) if choice.wish == "starter" else choice.wish


def _name_of(folder: str, known: Mapping[str, AdapterChoice]) -> str:
    return known[folder].name if folder in known else adapter_name(Path(folder))
