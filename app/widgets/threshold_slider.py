"""The confidence threshold as a slider with five named stops and an exact figure beside it."""

from __future__ import annotations

from bisect import bisect_right

from PySide6.QtCore import QRect, QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.widgets.text import pad_number

STOPS = ((1.0, "One token"), (0.99, "Careful"), (0.95, "Balanced"), (0.9, "Fast"), (0.8, "Bold"))
"""From one token a pass to many; evenly spaced on the slider."""

UNIT = 100
"""Slider ticks between two stops."""

SNAP = 12
"""A drag that ends this near to a stop takes it."""

NAME_GAP = 10
"""Two names of stops stand at least this many pixels apart."""


def name_of(threshold: float) -> str:
    """Name of the stop at this threshold, empty between stops."""
    return next((name for value, name in STOPS if abs(value - threshold) < 1e-9), "")


def position_of(threshold: float) -> int:
    """Slider position of a threshold; what is bolder than the last stop lies at the end."""
    values = [-value for value, _name in STOPS]
    number = min(max(bisect_right(values, -threshold) - 1, 0), len(STOPS) - 2)
    high, low = STOPS[number][0], STOPS[number + 1][0]
    share = min(max((high - threshold) / (high - low), 0.0), 1.0)
    return round((number + share) * UNIT)


def threshold_at(position: int) -> float:
    """Threshold at a slider position, to three places."""
    number = min(position // UNIT, len(STOPS) - 2)
    high, low = STOPS[number][0], STOPS[number + 1][0]
    return round(high - (high - low) * (position - number * UNIT) / UNIT, 3)


class ThresholdSlider(QWidget):
    """Slider, names of its stops, and a spin box for any value.

    Signals:
        threshold_changed: The threshold now chosen, at every move.
        settled: The same, once a move is over.
    """

    threshold_changed = Signal(float)
    settled = Signal(float)

    def __init__(self, threshold: float = 0.9, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._threshold = threshold
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, (len(STOPS) - 1) * UNIT)
        self._slider.setPageStep(UNIT)
        self._slider.setSingleStep(UNIT // 10)
        self._slider.setAccessibleName("Confidence threshold")
        self._names = _StopNames(self._slider)
        self._figure = QDoubleSpinBox()
        self._figure.setRange(0.0, 1.0)
        pad_number(self._figure)
        self._figure.setDecimals(3)
        self._figure.setSingleStep(0.01)
        self._figure.setAccessibleName("Confidence threshold, exact")
        self._figure.setToolTip("A slot's token is kept only if its confidence reaches this.")
        self._lay_out()
        self._show(threshold)
        self._slider.valueChanged.connect(self._on_slider)
        self._slider.sliderReleased.connect(self._on_settled)
        self._figure.valueChanged.connect(self._on_figure)
        self._figure.editingFinished.connect(self._on_settled)
        self._names.stop_chosen.connect(self._on_stop)

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._slider)
        column.addWidget(self._names)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(column, 1)
        layout.addWidget(self._figure, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    @property
    def threshold(self) -> float:
        """The threshold chosen."""
        return self._threshold

    def set_threshold(self, threshold: float) -> None:
        """Choose a threshold; signals like a user's choice."""
        if threshold == self._threshold:
            return
        self._threshold = threshold
        self._show(threshold)
        self.threshold_changed.emit(threshold)

    def _show(self, threshold: float) -> None:
        with QSignalBlocker(self._slider), QSignalBlocker(self._figure):
            self._slider.setValue(position_of(threshold))
            self._figure.setValue(threshold)
        name = name_of(threshold)
        self._slider.setAccessibleDescription(f"{name} {threshold:g}".strip())
        self._names.set_current(name)

    @Slot(int)
    def _on_slider(self, position: int) -> None:
        nearest = round(position / UNIT) * UNIT
        if self._slider.isSliderDown() and abs(position - nearest) <= SNAP:
            position = nearest
        self.set_threshold(threshold_at(position))
        if not self._slider.isSliderDown():
            self._on_settled()

    @Slot(float)
    def _on_figure(self, threshold: float) -> None:
        self.set_threshold(round(threshold, 3))

    @Slot(float)
    def _on_stop(self, threshold: float) -> None:
        self.set_threshold(threshold)
        self._on_settled()

    @Slot()
    def _on_settled(self) -> None:
        self.settled.emit(self._threshold)


class _StopNames(QWidget):
    """Names under the slider, each below its stop, as many as fit; a click takes the stop.

    Signals:
        stop_chosen: Threshold of the stop.
    """

    stop_chosen = Signal(float)

    def __init__(self, slider: QSlider) -> None:
        super().__init__()
        self._slider = slider
        self._current = ""
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 0.86)
        self.setFont(font)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_current(self, name: str) -> None:
        """Mark the stop in force."""
        self._current = name
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return self._size_for(len(STOPS))

    @override
    def minimumSizeHint(self) -> QSize:
        return self._size_for(2)

    def _size_for(self, names: int) -> QSize:
        metrics = QFontMetrics(self._font(is_current=True))
        widest = max(metrics.horizontalAdvance(name) for _value, name in STOPS)
        return QSize((widest + NAME_GAP) * names, metrics.height() + 2)

    def _font(self, *, is_current: bool) -> QFont:
        font = QFont(self.font())
        font.setBold(is_current)
        return font

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = round(event.position().x())
        near = min(range(len(STOPS)), key=lambda number: abs(self._centre(number) - x))
        self.stop_chosen.emit(STOPS[near][0])

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for name, place in self.places().items():
            is_current = name == self._current
            role = (
                QPalette.ColorRole.WindowText if is_current else QPalette.ColorRole.PlaceholderText
            )
            painter.setPen(self.palette().color(role))
            painter.setFont(self._font(is_current=is_current))
            painter.drawText(place, 0, name)

    def places(self) -> dict[str, QRect]:
        """Where the names stand; where room is short the one in force and the ends go first."""
        ends = STOPS[0], STOPS[-1]
        order = sorted(STOPS, key=lambda stop: (stop[1] != self._current, stop not in ends))
        places: dict[str, QRect] = {}
        for stop in order:
            place = self._place(STOPS.index(stop), stop[1])
            claim = place.adjusted(-NAME_GAP, 0, NAME_GAP, 0)
            if not any(claim.intersects(other) for other in places.values()):
                places[stop[1]] = place
        return places

    def _place(self, number: int, name: str) -> QRect:
        metrics = QFontMetrics(self._font(is_current=name == self._current))
        width = metrics.horizontalAdvance(name) + 2
        left = self._centre(number) - width // 2
        return QRect(min(max(left, 0), self.width() - width), 1, width, self.height())

    def _centre(self, number: int) -> int:
        """Where the slider's handle stands at a stop."""
        option = QStyleOptionSlider()
        self._slider.initStyleOption(option)
        style = self._slider.style()
        handle = style.pixelMetric(QStyle.PixelMetric.PM_SliderLength, option, self._slider)
        span = self._slider.width() - handle
        return handle // 2 + round(span * number / (len(STOPS) - 1))
