"""Race: two ways of decoding one prompt, each measured alone, then shown as fast as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QWidget
from typing_extensions import override

from app.context import AppContext
from app.pages.race.live import LiveStage
from app.pages.race.outcome import Outcome
from app.pages.race.setup import RaceSetup
from app.pages.race.sides import Subject, entries_of, sides_of
from app.widgets.card import ScrollPage
from app.widgets.text import button, muted, title
from app.widgets.work_row import WorkRow
from app.workers.engine_work import EngineWork
from app.workers.inventory import Inventory, weights_in
from app.workers.jobs import Progress
from core.control import Cancel
from core.engine.request import Message, Request, SessionInfo
from core.evaluate.race.lineup import run_lineup
from core.evaluate.race.recording import Recording, new_recording, race_record
from core.evaluate.race.together import run_together
from core.history.measured import measured_run

ABOUT = (
    "Each side is measured alone, several times after a warm-up; then the median runs are shown "
    "together, as fast as they were. The chat model is unloaded meanwhile."
)
NO_MODEL = "Load a model first: it races against itself, with and without its adapter."
FILE_FILTER = "Races (*.json)"
SAME = "Both sides are the same: choose another one."
NO_PROMPT = "Write a prompt."


class RacePage(ScrollPage):
    """Sets up a race, runs it in the engine's thread, shows it.

    Signals:
        inspect_requested: The `Trace` of every side, to be looked at pass by pass.
        status_message: A sentence for the status bar.
    """

    inspect_requested = Signal(object)
    status_message = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Race")
        self._context = context
        self._inventory = Inventory()
        self._subject = Subject()
        self._chat = Subject()
        self._offer: tuple[str, str, str, str] | None = None
        self._work = EngineWork(context, "a race", self)
        self._setup = RaceSetup()
        self._start = button("Race", "race", "primary")
        self._open = button("Open a race…", "folder")
        self._row = WorkRow(self._work, self._start, self._open)
        self._outcome = Outcome(context)
        self._live = LiveStage()
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        self.column.addWidget(title("Race"))
        self.column.addWidget(muted(ABOUT))
        self.column.addWidget(self._setup)
        self._setup.body.addWidget(self._row)
        self.column.addWidget(self._live)
        self.column.addWidget(self._outcome)

    def _connect(self) -> None:
        self._context.engine.loaded.connect(self._on_loaded)
        self._context.engine.unloaded.connect(self._on_unloaded)
        self._work.hindrance_changed.connect(self._show)
        self._work.progress.connect(self._row.show_progress)
        self._work.succeeded.connect(self._on_race)
        self._work.over.connect(self._on_over)
        self._setup.changed.connect(self._show)
        self._start.clicked.connect(self._on_start)
        self._open.clicked.connect(self._on_open)
        self._outcome.inspect_requested.connect(self.inspect_requested)
        self._outcome.played.connect(self._on_played)
        self._outcome.status_message.connect(self.status_message)

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
        if self._work.is_at_work:
            self._offer = model, prompt, old, new  # taken up once the race is over
            return
        self._subject = Subject(model, tuple(one for one in (old, new) if one))
        self._show_sides()
        self._setup.choose(prompt, old, new)

    def play_shipped(self) -> None:
        """Show the race that came with Stride, unless one is being measured."""
        if not self._work.is_at_work:
            self._outcome.play_shipped()

    @Slot()
    def _on_open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a saved race", "", FILE_FILTER)
        if name:
            self._outcome.play_file(Path(name))

    @Slot()
    def present(self) -> None:
        """Show the last race full screen, unless one is being measured."""
        if not self._work.is_at_work:
            self._outcome.present()

    # Setting up

    @Slot(object)
    def _on_loaded(self, info: SessionInfo) -> None:
        adapters = (info.adapter_path,) if info.adapter_path else ()
        chat = Subject(info.model_path, adapters)
        if chat != self._chat:  # else the chat model came back; the race stays as it was
            self._chat = self._subject = chat
            self._context.jobs.start(self._weigh, self._on_weighed)
            self._show_sides()
        self._show()

    def _weigh(self, cancel: Cancel, _progress: Progress) -> Subject:
        """Learn which adapters fit: reads every byte of a model that was never hashed."""
        subject = self._subject
        return replace(subject, weights=weights_in(subject.model, self._context.paths, cancel))

    @Slot(object)
    def _on_weighed(self, subject: Subject) -> None:
        if replace(subject, weights="") == self._subject:
            self._subject = subject
            self._show_sides()

    def _show_sides(self) -> None:
        if not self._work.is_at_work:
            adapters = self._subject.adapters
            sides = sides_of(self._subject, self._inventory)
            self._setup.show_sides(sides, adapters[-1] if adapters else "")

    @property
    def _missing(self) -> str:
        """Why no race can begin, "" if one can."""
        left, right = self._setup.sides
        reasons = {
            NO_MODEL: not self._subject.model,
            SAME: left == right,
            NO_PROMPT: not self._setup.prompt.strip(),
            self._work.hindrance: True,
        }
        return next((why for why, holds in reasons.items() if holds), "")

    # The race

    @Slot()
    def _on_start(self) -> None:
        if self._missing:
            return
        self._outcome.clear()
        settings = self._context.settings.value
        entries = entries_of(
            self._subject, self._setup.sides, self._setup.threshold, settings, self._inventory
        )
        setup, open_session = self._setup, self._context.open_session
        prompt, runs = setup.prompt, setup.runs
        request = Request((Message("user", prompt),), max_new_tokens=setup.max_new_tokens)

        def measure(cancel: Cancel, progress: Progress) -> Recording:
            results = run_lineup(entries, request, runs, open_session, cancel, progress)
            return new_recording(prompt, results)

        def watch(cancel: Cancel, progress: Progress) -> None:
            run_together(entries, request, open_session, cancel, progress, came)

        came = self._live.feed.came.emit
        self._live.hide()
        if setup.is_live:
            self._live.begin([entry.label for entry in entries])
        self._work.start(watch if setup.is_live else measure)
        self._show()

    @Slot()
    def _on_unloaded(self) -> None:
        if not self._context.loan.is_lent:
            self._chat = Subject()
        self._show()

    @Slot(object)
    def _on_race(self, race: Recording | None) -> None:
        if race is None:  # it was watched, not measured
            return
        self._outcome.show_race(race)
        store = self._context.history.store
        if store is not None:
            shown, events = race.results[-1].racer.median_lap
            report = race_record(race)
            run = measured_run("race", race.facts["prompt"], shown.text, report, "app")
            self._context.jobs.start(
                lambda _cancel, _progress: store.save_run(run, events), self._on_kept
            )

    @Slot(object)
    def _on_kept(self, _: None) -> None:
        self._context.history.changed.emit()

    @Slot()
    def _on_over(self) -> None:
        self._show_sides()
        self._show()
        if self._offer is not None:
            offered, self._offer = self._offer, None
            self.offer(*offered)

    @Slot()
    def _on_played(self) -> None:
        self._live.hide()
        QTimer.singleShot(0, self._scroll_to_outcome)  # once it has its place

    @Slot()
    def _scroll_to_outcome(self) -> None:
        self.ensureWidgetVisible(self._outcome)

    @Slot()
    def _show(self) -> None:
        self._row.show_state(self._missing)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._setup.show_threshold(self._context.settings.value.threshold)
        self._show()
