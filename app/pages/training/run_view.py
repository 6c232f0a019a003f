"""One training as it goes: phase and time left, figures, charts, sample answers, and its brakes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QProgressBar, QPushButton, QWidget
from typing_extensions import override

from app.pages.training.before_after import BeforeAfterCard
from app.pages.training.charts import TrainingCharts
from app.pages.training.figures import TILES, figures_of
from app.pages.training.phase import phase_text
from app.pages.training.samples import SamplesCard
from app.widgets.card import Card, ScrollPage
from app.widgets.elided import ElidedLabel
from app.widgets.standing import steps_text
from app.widgets.stat_tile import StatTiles
from app.widgets.text import SPACE, body, button, muted, title
from app.workers.run_lines import restart_text
from core.events import TrainingEvent
from core.history.training import noted_pid
from core.train.cleanup import has_checkpoint
from core.train.progress import AFTER_STEPS, RunProgress
from core.train.queue import is_waiting
from core.train.wishes import is_paused

NOTED = ("data", "rows", "memory", "best")
"""Phases whose last sentence stays to be read."""
BEST_TIP = "The adapter as it was at its best evaluation on held-out rows"
FORCE_TIP = "Ends the process at once; what is newer than its last checkpoint is lost"
EXPORT_TIP = (
    "A copy of its folder: for `stride --adapter FOLDER`, or the adapters folder of another machine"
)
DRAW_MS = 500
"""Charts and figures are drawn at most twice a second, whatever comes."""


class RunView(ScrollPage):
    """Shows the run that is followed.

    Signals:
        left: Back to the list.
        paused, resumed: Wait after the running step, and go on.
        restarted: Let a run that is not over go on from its checkpoint, or begin anew.
        dropped: Take a run out of the line.
        stop_requested: Stop; True keeps the best adapter instead of the newest.
        force_requested: End the process now.
        chat_requested: Folder of the finished adapter to chat with, and the threshold advised
            for it or None.
        race_requested: The same folder, to race against the one before, and a held-out prompt.
        export_requested: The same, and the folder to copy it into.
        failed: The `KnownError` that kept something from being done.
    """

    left = Signal()
    paused = Signal()
    resumed = Signal()
    restarted = Signal()
    dropped = Signal()
    stop_requested = Signal(bool)
    force_requested = Signal()
    chat_requested = Signal(str, object)
    race_requested = Signal(str, str)
    export_requested = Signal(str, str)
    failed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Training")
        self._progress = RunProgress()
        self._folder = Path()
        self._is_at_work = False
        self._asked = ""
        self._title = ElidedLabel(title(""))
        self._phase = body()
        self._left_over = muted()
        self._left_over.setWordWrap(False)
        self._notes = muted()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._tiles = StatTiles(TILES, 3)
        self._before_after = BeforeAfterCard()
        self._charts = TrainingCharts()
        self._samples = SamplesCard()
        self._list = button("All trainings")
        self._pause = button("Pause")
        self._stop = button("Stop and save", "stop")
        self._best = button("Stop and keep best")
        self._best.setToolTip(BEST_TIP)
        self._force = button("Force stop", role="quiet")
        self._force.setToolTip(FORCE_TIP)
        self._restart = button(restart_text(True))
        self._drop = button("Take out of line")
        self._chat = button("Chat with it", "chat", "primary")
        self._race = button("Race old against new", "race")
        self._export = button("Export the adapter…", "export")
        self._export.setToolTip(EXPORT_TIP)
        self._timer = QTimer(self, singleShot=True, interval=DRAW_MS)
        self._build()
        self._connect()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._list, 0, Qt.AlignmentFlag.AlignTop)
        self.column.addLayout(head)
        card = Card()
        row = QHBoxLayout()
        row.addWidget(self._phase, 1)
        row.addWidget(self._left_over)
        card.body.addLayout(row)
        card.body.addWidget(self._bar)
        card.body.addWidget(self._notes)
        card.body.addLayout(self._buttons())
        self.column.addWidget(card)
        figures = Card()
        figures.body.addWidget(self._tiles)
        self.column.addWidget(figures)
        self.column.addWidget(self._before_after)
        self.column.addWidget(self._charts)
        self.column.addWidget(self._samples)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        during = (self._pause, self._stop, self._best, self._force)
        for one in (*during, self._restart, self._drop, *self._after()):
            row.addWidget(one)
        row.addStretch(1)
        return row

    def _after(self) -> tuple[QPushButton, ...]:
        """What there is to do with what was learned."""
        return self._chat, self._race, self._export

    def _connect(self) -> None:
        self._timer.timeout.connect(self._draw)
        self._before_after.failed.connect(self.failed)
        self._list.clicked.connect(self.left)
        self._pause.clicked.connect(self._on_pause)
        self._stop.clicked.connect(self._on_stop)
        self._best.clicked.connect(self._on_best)
        self._force.clicked.connect(self._on_force)
        self._restart.clicked.connect(self.restarted)
        self._drop.clicked.connect(self.dropped)
        self._chat.clicked.connect(self._on_chat)
        self._race.clicked.connect(self._on_race)
        self._export.clicked.connect(self._on_export)

    def show_run(self, folder: Path, name: str, events: Iterable[TrainingEvent]) -> None:
        """Show a run from its beginning."""
        self._progress, self._folder, self._asked = RunProgress(), folder, ""
        self._title.setText(name)
        self._samples.clear()
        self.verticalScrollBar().setValue(0)  # the last one may have been read to its end
        self.grow(events)
        self._draw()

    def grow(self, events: Iterable[TrainingEvent]) -> None:
        """Take in what is new."""
        self._progress.take(events)
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def set_at_work(self, is_at_work: bool) -> None:
        """Whether the run's process is there."""
        self._is_at_work = is_at_work
        if is_at_work:
            # What it tells of itself comes after the model is loaded and the rows are written.
            self._progress.pid = noted_pid(self._folder) or self._progress.pid
        else:
            self._asked = ""
        self._draw()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._draw()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    @Slot()
    def _draw(self) -> None:
        progress = self._progress
        is_stopping = self._is_at_work and progress.phase not in AFTER_STEPS
        asked = self._asked if is_stopping else ""
        self._phase.setText(asked or phase_text(progress, self._folder, self._is_at_work))
        self._left_over.setText(steps_text(progress, self._is_at_work))
        self._show_bar()
        notes = [progress.said[phase] for phase in NOTED if phase in progress.said]
        notes += progress.warnings
        self._notes.setText("\n".join(notes))
        self._notes.setVisible(bool(notes))
        figures = figures_of(progress, self._is_at_work)
        self._tiles.show_values(figures)
        self._tiles.set_shown("GPU", bool(figures["GPU"]))
        self._before_after.show_progress(progress)
        self._charts.show_progress(progress)
        self._samples.show_samples(progress.samples)
        self._show_buttons()

    def _show_bar(self) -> None:
        """Without a known end the bar only moves, and in a pause nothing does."""
        done, total = self._progress.done
        moves = self._is_at_work and not is_paused(self._folder)
        self._bar.setRange(0, total if total or moves else 1)
        self._bar.setValue(done)

    def _show_buttons(self) -> None:
        can_stop = self._is_at_work and not self._asked
        for one in (self._pause, self._stop):
            one.setVisible(can_stop)
        self._best.setVisible(can_stop and bool(self._progress.evaluations))
        self._force.setVisible(self._is_at_work)
        self._drop.setVisible(not self._is_at_work and is_waiting(self._folder))
        self._show_restart()
        self._pause.setText("Go on" if is_paused(self._folder) else "Pause")
        for one in self._after():
            one.setVisible(not self._is_at_work and bool(self._adapter))

    def _show_restart(self) -> None:
        ended, is_idle = self._progress.ended, not self._is_at_work
        is_over = ended is not None and ended.state == "completed"
        is_offered = is_idle and not is_over and not is_waiting(self._folder)
        self._restart.setVisible(is_offered)
        if is_offered:
            self._restart.setText(restart_text(has_checkpoint(self._folder)))

    @property
    def _adapter(self) -> str:
        """Folder of the adapter that was written, "" while there is none."""
        ended = self._progress.ended
        return (ended.adapter or "") if ended is not None else ""

    @Slot()
    def _on_pause(self) -> None:
        (self.resumed if is_paused(self._folder) else self.paused).emit()
        self._draw()

    @Slot()
    def _on_stop(self) -> None:
        self._ask("Stopping after the running step …", keep_best=False)

    @Slot()
    def _on_best(self) -> None:
        self._ask("Stopping after the running step, keeping the best …", keep_best=True)

    def _ask(self, sentence: str, *, keep_best: bool) -> None:
        self._asked = sentence
        self.stop_requested.emit(keep_best)
        self._draw()

    @Slot()
    def _on_force(self) -> None:
        self._asked = "Ending the process …"
        self.force_requested.emit()
        self._draw()

    @Slot()
    def _on_chat(self) -> None:
        advice = self._progress.advice
        self.chat_requested.emit(self._adapter, advice.threshold if advice else None)

    @Slot()
    def _on_race(self) -> None:
        samples = self._progress.samples
        self.race_requested.emit(self._adapter, samples[-1].prompt if samples else "")

    @Slot()
    def _on_export(self) -> None:
        if into := QFileDialog.getExistingDirectory(self, "Copy the adapter into"):
            self.export_requested.emit(self._adapter, into)
