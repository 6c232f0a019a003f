"""All trainings: the one at work, those in line, stopped and finished ones."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.widgets.card import Card, ScrollPage
from app.widgets.elided import ElidedLabel
from app.widgets.empty_state import EmptyState
from app.widgets.standing import standing_text
from app.widgets.text import PAGE_MARGIN, SPACE, button, clear_layout, heading, muted, title
from app.widgets.units import duration_text, moment_text, size_text
from app.workers.run_lines import RunLine, restart_text
from core.history.training import UNFINISHED
from core.train.progress import RunProgress

EMPTY = (
    "Teach it your documents",
    "Drop a folder of your own files, say how long it may take, and get an adapter that decodes "
    "your domain in fewer passes.",
)
STATES = {
    "running": "At work",
    "queued": "In line",
    "stopped": "Stopped",
    "interrupted": "Broken off",
    "failed": "Failed",
    "completed": "Completed",
}


class RunList(QWidget):
    """A card for each run, newest first.

    Signals:
        new_requested: Plan a training.
        open_requested, resume_requested, drop_requested: Folder of a run.
        clean_requested: See and remove what runs have left on the disk.
    """

    new_requested = Signal()
    open_requested = Signal(object)
    resume_requested = Signal(object)
    drop_requested = Signal(object)
    clean_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._new = button("New training", "plus", "primary")
        self._new.clicked.connect(self.new_requested)
        clean = button("Clean up…", role="quiet")
        clean.clicked.connect(self.clean_requested)
        self._empty = EmptyState("train", *EMPTY, "New training")
        self._empty.action_requested.connect(self.new_requested)
        self._cards = ScrollPage()
        self._shown: dict[Path, RunCard] = {}
        self._at_work = (Path(), "")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._cards)
        head = QHBoxLayout()
        head.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, 0)
        head.addWidget(title("Training"))
        head.addStretch(1)
        head.addWidget(clean)
        head.addWidget(self._new)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)

    @Slot(list)
    def show_runs(self, lines: list[RunLine]) -> None:
        """Show other runs."""
        column = self._cards.column
        clear_layout(column)
        self._shown = {line.folder: RunCard(line, self) for line in lines}
        for card in self._shown.values():
            column.addWidget(card)
        folder, standing = self._at_work
        if folder in self._shown:
            self._shown[folder].show_standing(standing)
        self._new.setVisible(bool(lines))
        self._stack.setCurrentIndex(1 if lines else 0)

    @Slot(object, object)
    def show_progress(self, folder: Path, progress: RunProgress) -> None:
        """Say on its card how far the run at work is."""
        self._at_work = folder, standing_text(progress)
        if folder in self._shown:
            self._shown[folder].show_standing(self._at_work[1])


class RunCard(Card):
    """One run."""

    def __init__(self, line: RunLine, owner: RunList) -> None:
        super().__init__()
        self._folder: Path = line.folder
        self._state = line.state
        self._owner = owner
        self.setAccessibleName(f"Training {line.name}, {line.state}")
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(heading(line.name)))
        self._standing = muted()
        self._standing.hide()
        for part in (muted(_about(line)), self._standing):
            words.addWidget(part)
        row.addLayout(words, 1)
        for one in self._buttons(line):
            row.addWidget(one)
        self.body.addLayout(row)

    def show_standing(self, text: str) -> None:
        """Say how far it is while it is at work."""
        self._standing.setText(text)
        self._standing.setVisible(self._state == "running")

    def _buttons(self, line: RunLine) -> list[QWidget]:
        found = []
        if line.state in UNFINISHED:
            go_on = button(restart_text(line.has_checkpoint))
            go_on.clicked.connect(self._on_resume)
            found.append(go_on)
        if line.state == "queued":
            drop = button("Take out of line", role="quiet")
            drop.clicked.connect(self._on_drop)
            found.append(drop)
        opened = button("Open")
        opened.clicked.connect(self._on_open)
        return [*found, opened]

    @Slot()
    def _on_open(self) -> None:
        self._owner.open_requested.emit(self._folder)

    @Slot()
    def _on_resume(self) -> None:
        self._owner.resume_requested.emit(self._folder)

    @Slot()
    def _on_drop(self) -> None:
        self._owner.drop_requested.emit(self._folder)


def _about(line: RunLine) -> str:
    summary = line.record.summary
    parts = [
        _state_text(line),
        line.record.model,
        moment_text(line.made_at, time.time()),
    ]
    if (step := summary.get("step")) and line.state != "running":  # that line has grown old
        parts.append(f"step {step:,} of {summary.get('total_steps', 0):,}")
    if tokens := summary.get("tokens_per_pass"):
        parts.append(f"{tokens:.2f} tokens per pass")
    if seconds := summary.get("seconds"):
        parts.append(duration_text(seconds))
    parts.append(f"{size_text(line.disk_bytes)} on disk")
    return "  ·  ".join(parts)


def _state_text(line: RunLine) -> str:
    """Where it stands; without a checkpoint it would not go on but repeat what it did."""
    word = STATES.get(line.state, line.state)
    if line.state not in UNFINISHED:
        return word
    return f"{word}; can go on" if line.has_checkpoint else f"{word}; without a checkpoint"
