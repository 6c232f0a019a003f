"""All sides of a race as they decode at once; nothing of it is a measurement."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.race.lane import Lane
from app.widgets.text import SPACE, clear_layout, muted
from core.events import GenerationEvent

NOTE = (
    "Live together: all sides share this machine in equal parts, so each is slower than alone and "
    "nothing is measured."
)


class Feed(QObject):
    """Brings events from the engine's thread to the window's.

    Signals:
        came: Number of the side, its next event.
    """

    came = Signal(int, object)


class LiveStage(QWidget):
    """A lane a side; empty and hidden until there is something to watch.

    Attributes:
        feed: What the engine's thread emits into.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.feed = Feed(self)
        self.feed.came.connect(self._on_event)
        self._began = 0.0
        self._lanes: list[Lane] = []
        self._row = QHBoxLayout()
        self._row.setSpacing(2 * SPACE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(muted(NOTE))
        layout.addLayout(self._row, 1)
        self.hide()

    def begin(self, labels: Sequence[str]) -> None:
        """Show empty lanes; the clock starts with the first event."""
        clear_layout(self._row)
        self._lanes = [Lane() for _ in labels]
        for lane, label in zip(self._lanes, labels, strict=True):
            lane.prepare(label)
            self._row.addWidget(lane, 1)
        self._began = 0.0
        self.show()

    @Slot(int, object)
    def _on_event(self, number: int, event: GenerationEvent) -> None:
        now = time.monotonic()
        self._began = self._began or now
        self._lanes[number].grow(event, now - self._began)
