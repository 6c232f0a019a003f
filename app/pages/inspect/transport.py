"""Playing a recorded answer: back and forth by passes, or as fast as it came."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QWidget
from typing_extensions import override

from app.assets import icon
from app.widgets.text import SPACE, muted, tool

TICK_MS = 33
SPEEDS = {"Real speed": 1.0, "Half speed": 0.5, "Tenfold speed": 10.0}
PAGE = 10
"""Passes that Page Up and Page Down go."""


class Transport(QWidget):
    """Buttons, a slider over the passes, a speed.

    Signals:
        moved: How many passes are shown now; none before the first has come.
    """

    moved = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._times: Sequence[float] = ()
        self._clock = muted()
        self._clock.setWordWrap(False)
        self._play = tool("play", "Play")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setPageStep(PAGE)
        self._slider.setAccessibleName("Pass")
        self._speed = QComboBox()
        self._speed.setAccessibleName("Speed")
        self._began = 0.0
        self._timer = QTimer(self, interval=TICK_MS)
        for name, factor in SPEEDS.items():
            self._speed.addItem(name, factor)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        for part, slot in (
            (tool("first", "First pass"), self.to_first),
            (tool("previous", "Previous pass"), self.back),
            (self._play, self.toggle),
            (tool("next", "Next pass"), self.forth),
            (tool("last", "Last pass"), self.to_last),
        ):
            part.clicked.connect(slot)
            row.addWidget(part)
        row.addWidget(self._slider, 1)
        row.addWidget(self._clock)
        row.addWidget(self._speed)
        self._slider.valueChanged.connect(self._on_moved)
        self._slider.sliderPressed.connect(self.pause)
        self._slider.actionTriggered.connect(self.pause)
        self._speed.activated.connect(self._set_clock)
        self._timer.timeout.connect(self._on_tick)

    @property
    def count(self) -> int:
        """How many passes are shown."""
        return int(self._slider.value())

    @property
    def is_playing(self) -> bool:
        """Whether it moves by itself."""
        return self._timer.isActive()

    def prepare(self, times: Sequence[float]) -> None:
        """Take another answer, whose passes came at these seconds; stand at its end."""
        self.pause()
        self._times = times
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, len(times))
            self._slider.setValue(len(times))
        self._on_moved(self.count)

    def go_to(self, count: int) -> None:
        """Show so many passes."""
        self.pause()
        self._slider.setValue(count)

    def take_focus(self) -> None:
        """Let the keyboard move the slider."""
        self._slider.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def toggle(self) -> None:
        """Play, from the start where it stood at the end; or pause."""
        if self.is_playing:
            self.pause()
            return
        if self.count == self._slider.maximum():
            self._slider.setValue(0)
        self._set_clock()
        self._timer.start()
        self._show_state()

    @Slot()
    def pause(self) -> None:
        """Stand still."""
        self._timer.stop()
        self._show_state()

    @Slot()
    def back(self) -> None:
        """One pass back."""
        self.go_to(max(self.count - 1, 1))

    @Slot()
    def forth(self) -> None:
        """One pass on."""
        self.go_to(self.count + 1)

    @Slot()
    def to_first(self) -> None:
        """To the first pass."""
        self.go_to(1)

    @Slot()
    def to_last(self) -> None:
        """To the last pass."""
        self.go_to(self._slider.maximum())

    @Slot()
    def _set_clock(self) -> None:
        """From here on it goes at the chosen speed."""
        self._began = time.monotonic() - self._seconds / self._factor

    @property
    def _seconds(self) -> float:
        """When the last pass that is shown was over."""
        return self._times[self.count - 1] if self.count else 0.0

    @property
    def _factor(self) -> float:
        return float(self._speed.currentData())

    @Slot()
    def _on_tick(self) -> None:
        seconds = (time.monotonic() - self._began) * self._factor
        self._slider.setValue(bisect_right(self._times, seconds))
        if self.count == self._slider.maximum():
            self.pause()

    @Slot(int)
    def _on_moved(self, count: int) -> None:
        self._clock.setText(f"{self._seconds:.2f} of {self._times[-1]:.2f} s")
        self.moved.emit(count)

    def _show_state(self) -> None:
        name = "Pause" if self.is_playing else "Play"
        self._play.setIcon(icon(name.lower()))
        self._play.setToolTip(f"{name} (Space)")
        self._play.setAccessibleName(name)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.pause()
