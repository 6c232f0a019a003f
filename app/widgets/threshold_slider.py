"""The confidence threshold as a slider with named stops and a figure beside it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

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

EXACT = "Exact"
"""The stop before them: every proposal is checked, so that no threshold is needed."""

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

    Args:
        offers_exact: Whether its first stop is "Exact".

    Signals:
        threshold_changed: The threshold now chosen, at every move; no longer exact.
        exact_chosen: The stop "Exact" was chosen.
        settled: The threshold, once a move is over.
    """

    threshold_changed = Signal(float)
    exact_chosen = Signal()
    settled = Signal(float)

    def __init__(
        self,
        threshold: float = 0.9,
        parent: QWidget | None = None,
        *,
        offers_exact: bool = False,
    ) -> None:
        super().__init__(parent)
        self._threshold = threshold
        self._is_exact = False
        self._origin = UNIT if offers_exact else 0  # where "One token" stands
        names = [EXACT] * offers_exact + [name for _value, name in STOPS]
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, (len(names) - 1) * UNIT)
        self._slider.setPageStep(UNIT)
        self._slider.setSingleStep(UNIT // 10)
        self._slider.setAccessibleName("Confidence threshold")
        self._names = _StopNames(self._slider, names)
        self._figure = QDoubleSpinBox()
        self._figure.setRange(0.0, 1.0)
        pad_number(self._figure)
        self._figure.setDecimals(3)
        self._figure.setSingleStep(0.01)
        self._figure.setAccessibleName("Confidence threshold, as a number")
        self._figure.setToolTip(
            "A slot's token is kept unchecked only if its confidence reaches this."
        )
        self._lay_out()
        self._show()
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
        """The threshold chosen last."""
        return self._threshold

    @property
    def is_exact(self) -> bool:
        """Whether every proposal shall be checked instead."""
        return self._is_exact

    def set_threshold(self, threshold: float) -> None:
        """Choose a threshold; signals like a user's choice."""
        if threshold == self._threshold and not self._is_exact:
            return
        self._threshold, self._is_exact = threshold, False
        self._show()
        self.threshold_changed.emit(threshold)

    def set_exact(self) -> None:
        """Choose the stop "Exact"; signals like a user's choice."""
        if self._is_exact:
            return
        self._is_exact = True
        self._show()
        self.exact_chosen.emit()

    def _show(self) -> None:
        position = 0 if self._is_exact else self._origin + position_of(self._threshold)
        with QSignalBlocker(self._slider), QSignalBlocker(self._figure):
            self._slider.setValue(position)
            self._figure.setValue(self._threshold)
        self._figure.setEnabled(not self._is_exact)
        name = EXACT if self._is_exact else name_of(self._threshold)
        words = name if self._is_exact else f"{name} {self._threshold:g}".strip()
        self._slider.setAccessibleDescription(words)
        self._names.set_current(name)

    @Slot(int)
    def _on_slider(self, position: int) -> None:
        is_down = self._slider.isSliderDown()
        nearest = round(position / UNIT) * UNIT
        if is_down and abs(position - nearest) <= SNAP:
            position = nearest
        if position >= self._origin:
            self.set_threshold(threshold_at(position - self._origin))
        elif position < UNIT / 2 if is_down else not self._is_exact:
            self.set_exact()  # between the first two stops there is nothing
        else:
            self.set_threshold(STOPS[0][0])
        if not is_down:
            self._on_settled()

    @Slot(float)
    def _on_figure(self, threshold: float) -> None:
        self.set_threshold(round(threshold, 3))

    @Slot(int)
    def _on_stop(self, number: int) -> None:
        position = number * UNIT
        if position < self._origin:
            self.set_exact()
        else:
            self.set_threshold(threshold_at(position - self._origin))
        self._on_settled()

    @Slot()
    def _on_settled(self) -> None:
        if not self._slider.isSliderDown():
            self._show()  # a drag may have ended where there is no stop
        self.settled.emit(self._threshold)


class _StopNames(QWidget):
    """Names under the slider, each below its stop, as many as fit; a click takes the stop.

    Signals:
        stop_chosen: Number of the stop, from 0.
    """

    stop_chosen = Signal(int)

    def __init__(self, slider: QSlider, stops: Sequence[str]) -> None:
        super().__init__()
        self._slider, self._stops = slider, stops
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
        return self._size_for(len(self._stops))

    @override
    def minimumSizeHint(self) -> QSize:
        return self._size_for(2)

    def _size_for(self, names: int) -> QSize:
        metrics = QFontMetrics(self._font(is_current=True))
        widest = max(metrics.horizontalAdvance(name) for name in self._stops)
        return QSize((widest + NAME_GAP) * names, metrics.height() + 2)

    def _font(self, *, is_current: bool) -> QFont:
        font = QFont(self.font())
        font.setBold(is_current)
        return font

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = round(event.position().x())
        near = min(range(len(self._stops)), key=lambda number: abs(self._centre(number) - x))
        self.stop_chosen.emit(near)

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
        ends = self._stops[0], self._stops[-1]
        order = sorted(self._stops, key=lambda name: (name != self._current, name not in ends))
        places: dict[str, QRect] = {}
        for name in order:
            place = self._place(self._stops.index(name), name)
            claim = place.adjusted(-NAME_GAP, 0, NAME_GAP, 0)
            if not any(claim.intersects(other) for other in places.values()):
                places[name] = place
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
        return handle // 2 + round(span * number / (len(self._stops) - 1))
