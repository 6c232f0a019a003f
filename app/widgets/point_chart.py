"""Points with their intervals in both directions, some joined by a line; a click picks one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.theme import data_colours, is_dark
from app.widgets.plot import Plot
from core.events import Span

HEIGHT = 280
SIZE, PICKED_SIZE = 11, 17


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """A point; `is_joined` ones are filled and lie on the line."""

    label: str
    across: Span
    upwards: Span
    is_joined: bool


class PointChart(Plot):
    """The chart.

    Args:
        caption: What is shown.
        across: What the horizontal axis is.

    Signals:
        picked: Number of the point that was clicked.
    """

    picked = Signal(int)

    def __init__(self, caption: str, across: str, parent: QWidget | None = None) -> None:
        super().__init__(caption, HEIGHT, parent)
        self._points: Sequence[ChartPoint] = ()
        self._picked = -1
        self._labels: list[pg.TextItem] = []
        self._line = self._plot.plot([], [])
        self._bars = pg.ErrorBarItem(x=[0.0], y=[0.0])
        self._dots = pg.ScatterPlotItem()
        self._dots.sigClicked.connect(self._on_clicked)
        for item in (self._bars, self._dots):
            self._plot.addItem(item)
        self._plot.setLabel("bottom", across)
        self._colour()

    def show_points(self, points: Sequence[ChartPoint]) -> None:
        """Show other points."""
        self._points = points
        self._picked = -1
        for label in self._labels:
            self._plot.removeItem(label)
        # Above and below in turn, as neighbours often lie close.
        self._labels = [
            pg.TextItem(one.label, anchor=(0, 1 - number % 2)) for number, one in enumerate(points)
        ]
        for label, one in zip(self._labels, points, strict=True):
            label.setPos(one.across[0], one.upwards[0])
            self._plot.addItem(label, ignoreBounds=True)
        best = sorted((one for one in points if one.is_joined), key=lambda one: one.across[0])
        self._line.setData([one.across[0] for one in best], [one.upwards[0] for one in best])
        x, y = [one.across for one in points], [one.upwards for one in points]
        self._bars.setData(
            x=_floats(one[0] for one in x),
            y=_floats(one[0] for one in y),
            left=_floats(one[0] - one[1] for one in x),
            right=_floats(one[2] - one[0] for one in x),
            bottom=_floats(one[0] - one[1] for one in y),
            top=_floats(one[2] - one[0] for one in y),
        )
        self._colour()

    def pick(self, number: int) -> None:
        """Mark a point."""
        self._picked = number
        self._colour()

    @override
    def _colour(self) -> None:
        super()._colour()
        palette = self.palette()
        colour = QColor(data_colours(is_dark(palette)).edges[1])
        ground = palette.color(QPalette.ColorRole.Base)
        pen = pg.mkPen(colour, width=2)
        self._line.setPen(pg.mkPen(colour, width=1.5))
        self._bars.setData(pen=pg.mkPen(palette.color(QPalette.ColorRole.PlaceholderText)))
        for label in self._labels:
            label.setColor(palette.color(QPalette.ColorRole.WindowText))
        self._dots.setData(
            [
                {
                    "pos": (one.across[0], one.upwards[0]),
                    "data": number,
                    "size": PICKED_SIZE if number == self._picked else SIZE,
                    "pen": pen,
                    "brush": pg.mkBrush(colour if one.is_joined else ground),
                }
                for number, one in enumerate(self._points)
            ]
        )

    @Slot(object, object)
    def _on_clicked(self, _: object, found: Sequence[pg.SpotItem]) -> None:
        if len(found):
            self.picked.emit(found[0].data())


def _floats(values: Iterable[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.fromiter(values, dtype=np.float64)
