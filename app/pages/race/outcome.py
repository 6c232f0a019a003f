"""The last race, or a recorded one: played, presented full screen, saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.context import AppContext
from app.pages.race.presentation import Presentation
from app.pages.race.stage import Stage
from app.widgets.save_as import SaveButton
from app.widgets.text import SPACE, button
from app.workers.jobs import Job, Progress
from core.control import Cancel
from core.evaluate.race.files import write_race
from core.evaluate.race.recording import Recording, read_recording, shipped_race
from core.evaluate.race.verdict import recording_note
from core.evaluate.traces import traces_of


class Outcome(QWidget):
    """What a race came to; empty and hidden until there is one.

    Signals:
        inspect_requested: The `Trace` of every side, to be looked at pass by pass.
        played: A race begins to play.
        status_message: A sentence for the status bar.
    """

    inspect_requested = Signal(object)
    played = Signal()
    status_message = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._race: Recording | None = None
        self._note = ""
        self._reading: Job | None = None
        self._again = button("Show again", "refresh")
        self._full = button("Full screen", "race")
        self._inspect = button("Inspect", "inspect")
        self._stage = Stage()
        self._save = SaveButton("race", self._stage, self._write)
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        for one in (self._again, self._full, self._inspect, self._save):
            row.addWidget(one)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._stage)
        layout.addWidget(self._buttons)
        self._again.clicked.connect(self._play)
        self._full.clicked.connect(self.present)
        self._inspect.clicked.connect(self._on_inspect)
        self._save.failed.connect(context.jobs.failed)
        self._save.saved.connect(self.status_message)
        self._stage.over.connect(self._show)
        self.hide()

    def clear(self) -> None:
        """Forget the race, and one that is being read."""
        self._race = None
        if self._reading is not None:
            self._reading.cancel()
        self.hide()

    def show_race(self, race: Recording, note: str = "") -> None:
        """Play a race, with a sentence that stands above it."""
        self._race, self._note = race, note
        self.show()
        self._play()

    def play_shipped(self) -> None:
        """Play the race that came with Stride."""
        self._read(shipped_race(), self._on_read)

    def play_file(self, path: Path) -> None:
        """Play a race that was saved."""
        self._read(path, self._on_read)

    @Slot()
    def present(self) -> None:
        """Show the race full screen, or the one that came with Stride where there is none."""
        if self._race is not None:
            self._present(self._race, self._note)
        else:
            self._read(shipped_race(), self._on_read_to_present)

    def _read(self, path: Path, then: Callable[[Recording], None]) -> None:
        def work(_cancel: Cancel, _progress: Progress) -> Recording:
            return read_recording(path)

        self._reading = self._context.jobs.start(work, then)

    @Slot(object)
    def _on_read(self, race: Recording) -> None:
        self.show_race(race, recording_note(race))

    @Slot(object)
    def _on_read_to_present(self, race: Recording) -> None:
        self._present(race, recording_note(race))

    def _present(self, race: Recording, note: str) -> None:
        self._stage.finish()
        for one in self.window().findChildren(Presentation):
            one.close()
        Presentation(race.results, note, self.window()).showFullScreen()

    @Slot()
    def _play(self) -> None:
        assert self._race is not None
        self._stage.play(self._race.results, self._note)
        if not self.isVisible():
            self._stage.finish()
        self._show()
        self.played.emit()

    @Slot()
    def _show(self) -> None:
        self._buttons.setVisible(not self._stage.is_playing)

    @Slot()
    def _on_inspect(self) -> None:
        assert self._race is not None
        self.inspect_requested.emit(traces_of(self._race))

    def _write(self, out: Path) -> None:
        assert self._race is not None
        write_race(self._race, out)
