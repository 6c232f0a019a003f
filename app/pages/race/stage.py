"""What a race has measured: all answers as fast as they came, then what it came to."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget
from typing_extensions import override

from app.pages.race.differences import Differences
from app.pages.race.lane import Lane
from app.widgets.card import Card
from app.widgets.text import SPACE, body, clear_layout, heading, muted
from core.evaluate.race.lineup import Result
from core.evaluate.race.verdict import explanation, headline

TICK_MS = 33
LANE_WIDTH = 260
"""Where lanes would become narrower they stand one above the other."""


class Stage(QWidget):
    """Plays the median runs of all sides together.

    Signals:
        over: All answers are shown to their end.
    """

    over = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._began = 0.0
        self._note = muted()
        self._headline = heading("")
        self._explanation = body()
        self._lanes: list[Lane] = []
        self._differences = Differences()
        self._verdict = Card()
        self._verdict.body.addWidget(self._headline)
        self._verdict.body.addWidget(self._explanation)
        self._side_by_side = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._side_by_side.setSpacing(2 * SPACE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._note)
        layout.addWidget(self._verdict)
        layout.addLayout(self._side_by_side, 1)
        layout.addWidget(self._differences)
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._on_tick)

    @property
    def is_playing(self) -> bool:
        """Whether the answers are still coming."""
        return self._timer.isActive()

    def play(self, results: Sequence[Result], note: str = "") -> None:
        """Show a race from its start.

        Args:
            results: What was measured; the last side is compared with the first.
            note: A sentence that stands above all.
        """
        first, last = results[0], results[-1]
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._headline.setText(headline(results))
        self._explanation.setText(explanation(results))
        self._differences.show_answers(
            (first.entry.label, last.entry.label),
            first.racer.median_lap[0].text,
            last.racer.median_lap[0].text,
        )
        self._make_lanes(len(results))
        for lane, result in zip(self._lanes, results, strict=True):
            lane.prepare(result.entry.label, result.racer.median_lap[1])
        self._began = time.monotonic()
        self._timer.start()
        self._show()

    def _make_lanes(self, count: int) -> None:
        if len(self._lanes) == count:
            return
        clear_layout(self._side_by_side)
        self._lanes = [Lane() for _ in range(count)]
        for lane in self._lanes:
            self._side_by_side.addWidget(lane, 1)
        self._arrange()

    def finish(self) -> None:
        """Show the rest at once."""
        if self.is_playing:
            for lane in self._lanes:
                lane.show_at(lane.duration)
            self._end()

    @Slot()
    def _on_tick(self) -> None:
        elapsed = time.monotonic() - self._began
        over = [lane.show_at(elapsed) for lane in self._lanes]
        if all(over):
            self._end()

    def _end(self) -> None:
        self._timer.stop()
        self._show()
        self.over.emit()

    def _show(self) -> None:
        self._verdict.setVisible(not self.is_playing)
        self._differences.setVisible(not self.is_playing and not self._differences.is_empty)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.finish()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        is_narrow = self.width() < LANE_WIDTH * len(self._lanes)
        down, right = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._side_by_side.setDirection(down if is_narrow else right)
