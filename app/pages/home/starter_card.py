"""The card that brings the starter model onto this machine and then leads to the chat."""

from __future__ import annotations

import time
from enum import Enum

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QWidget

from app.context import AppContext
from app.widgets.card import Card
from app.widgets.text import SPACE, body, button, muted
from app.widgets.units import size_text, time_left_text
from app.workers.jobs import Job, Progress
from core.control import Cancel
from core.errors import KnownError
from core.model import starter

SPEED_WINDOW = 3.0
"""Seconds over which the download's speed is taken; a stalled one shows 0 after that."""


class State(Enum):
    """How far the starter is on its way."""

    UNKNOWN = "looking"
    ABSENT = "not here"
    FETCHING = "downloading"
    READY = "ready"


class StarterCard(Card):
    """Licence, size and source first; then a download with progress; then the chat.

    Signals:
        start_requested: The user wants to chat with the starter.
        fetched: The starter is on this machine now.
    """

    start_requested = Signal()
    fetched = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__("Starter model", parent=parent)
        self._context = context
        self._job: Job | None = None
        self._speed = Speed()
        self.state = State.UNKNOWN
        self._status = muted("Looking for it on this machine …")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Download progress")
        self._problem = body()
        self._download = button("Download", "download", "primary")
        self._start = button("Start chatting", "chat", "primary")
        self._cancel = button("Cancel")
        self._build()
        self._download.clicked.connect(self.download)
        self._start.clicked.connect(self.start_requested)
        self._cancel.clicked.connect(self._on_cancel)
        self._show(State.UNKNOWN)

    def _build(self) -> None:
        self.body.addWidget(
            body(
                f"{starter.TITLE}, a small language model that runs well on any laptop, with "
                "the adapter made for it, which lets it predict several tokens a pass."
            )
        )
        facts = QGridLayout()
        facts.setHorizontalSpacing(3 * SPACE)
        facts.setVerticalSpacing(SPACE // 2)
        facts.setColumnStretch(1, 1)
        rows = (
            ("Licence", f"{starter.LICENCE}, free for any use"),
            (
                "Size",
                f"{size_text(starter.DOWNLOAD_BYTES)} to download, "
                f"{size_text(starter.DISK_BYTES)} on disk",
            ),
            ("Source", starter.SOURCE),
        )
        for row, (name, value) in enumerate(rows):
            facts.addWidget(QLabel(name), row, 0)
            facts.addWidget(muted(value), row, 1)
        self.body.addLayout(facts)
        self.body.addWidget(self._bar)
        self.body.addWidget(self._problem)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self._download)
        buttons.addWidget(self._start)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._status, 1)
        self.body.addLayout(buttons)

    @Slot()
    def look(self) -> None:
        """Find out, in a pool thread, whether the starter is here."""
        if self.state is not State.FETCHING:
            self._context.jobs.start(self._find, self._on_found)

    @Slot()
    def download(self) -> None:
        """Fetch and convert the starter."""
        if self._job is not None:
            return
        self._show(State.FETCHING)
        self._status.setText("Starting …")
        self._job = self._context.jobs.start(
            self._fetch, self._on_fetched, self._on_failed, self._on_progress, self._on_finished
        )

    def _find(self, _cancel: Cancel, _progress: Progress) -> bool:
        return starter.starter_path(self._context.paths) is not None

    def _fetch(self, cancel: Cancel, progress: Progress) -> None:
        offline = self._context.settings.value.offline
        starter.fetch_starter(self._context.paths, progress, cancel, offline=offline)

    @Slot(object)
    def _on_found(self, is_here: bool) -> None:
        self._show(State.READY if is_here else State.ABSENT)

    @Slot(str, object, object)
    def _on_progress(self, phase: str, done: int, total: int) -> None:
        self._bar.setRange(0, 1000 if total else 0)
        self._bar.setValue(done * 1000 // total if total else 0)
        self._status.setText(self._progress_text(phase, done, total))

    def _progress_text(self, phase: str, done: int, total: int) -> str:
        if total < 1_000_000:  # steps, not bytes
            return f"{phase} …"
        speed = self._speed.add(phase, done)
        text = f"{size_text(done)} of {size_text(total)}"
        if speed is None:
            return text
        left = f", {time_left_text((total - done) / speed)}" if speed else ", stalled"
        return f"{text} · {size_text(speed)}/s{left}"

    @Slot()
    def _on_cancel(self) -> None:
        if self._job is not None:
            self._status.setText("Cancelling …")
            self._job.cancel()

    @Slot(object)
    def _on_fetched(self, _result: object) -> None:
        self._show(State.READY)
        self.fetched.emit()

    @Slot(object)
    def _on_failed(self, error: KnownError) -> None:
        self._show(State.ABSENT)
        self._problem.setText(str(error))
        self._problem.show()

    @Slot()
    def _on_finished(self) -> None:
        self._job = None
        if self.state is State.FETCHING:  # cancelled, or a bug that is shown elsewhere
            self._show(State.ABSENT)

    def _show(self, state: State) -> None:
        self.state = state
        self._download.setVisible(state in (State.UNKNOWN, State.ABSENT))
        self._download.setEnabled(state is State.ABSENT)
        self._start.setVisible(state is State.READY)
        self._cancel.setVisible(state is State.FETCHING)
        self._bar.setVisible(state is State.FETCHING)
        self._problem.hide()
        if state is State.ABSENT:
            self._status.setText("Downloaded once; afterwards nothing touches the network.")
        elif state is State.READY:
            self._status.setText("On this machine and ready.")


class Speed:
    """Bytes a second over the last few seconds."""

    def __init__(self) -> None:
        self._phase = ""
        self._points: list[tuple[float, int]] = []

    def add(self, phase: str, done: int) -> float | None:
        """Take a reading; the speed, or None while there is too little to tell."""
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._points = phase, []
        self._points.append((now, done))
        self._points = [point for point in self._points if now - point[0] <= SPEED_WINDOW]
        first = self._points[0]
        if now - first[0] < 0.5:
            return None
        return (done - first[1]) / (now - first[0])
