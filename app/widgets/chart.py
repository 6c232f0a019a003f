"""Line charts that stay quick with a hundred thousand points."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.theme import data_colours, is_dark
from app.widgets.plot import Plot
from app.widgets.text import muted

LINE_WIDTH = 2.0

Points = Sequence[tuple[float, float]]


class Chart(Plot):
    """Some lines over the training step; where there are several, a key below names their colours.

    Args:
        caption: What is shown, with its unit.
        names: Of the lines; others are there while they have points.
        bounds: Lowest and highest value, where these are known.
    """

    def __init__(
        self,
        caption: str,
        names: Sequence[str],
        bounds: tuple[float, float] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(caption, parent=parent)
        if bounds is not None:
            self._plot.setYRange(*bounds, padding=0.02)
        self._key = muted()
        self._key.setTextFormat(Qt.TextFormat.RichText)
        self._key.setVisible(len(names) > 1)
        self._column.addWidget(self._key)
        self._names = tuple(names)
        self._lines = {name: self._new_line(name) for name in names}
        self._colour()

    def show_points(self, name: str, points: Points) -> None:
        """Replace a line's points, given as (step, value)."""
        if points and name not in self._lines:
            self._lines[name] = self._new_line(name)
            self._colour()
        if points or name in self._names:
            self._lines[name].setData([x for x, _ in points], [y for _, y in points])
        elif name in self._lines:
            self._plot.removeItem(self._lines.pop(name))
            self._colour()
        self._show_axes(any(len(self.values(one)) for one in self._lines))

    def values(self, name: str) -> list[float]:
        """The values a line shows now."""
        values = self._lines[name].getOriginalDataset()[1]
        return [] if values is None else list(values)

    def _new_line(self, name: str) -> pg.PlotDataItem:
        line = self._plot.plot([], [], name=name)
        # Of many points only those that a pixel can show are drawn.
        line.setDownsampling(auto=True, method="peak")
        line.setClipToView(True)
        return line

    @override
    def _colour(self) -> None:
        super()._colour()
        edges = data_colours(is_dark(self.palette())).edges
        colours = [QColor(edges[(n * 3 + 1) % len(edges)]) for n in range(len(self._lines))]
        marks = zip(self._lines, colours, strict=True)
        self._key.setText(
            "&ensp;".join(f'<span style="color:{c.name()}">●</span>&nbsp;{n}' for n, c in marks)
        )
        for colour, line in zip(colours, self._lines.values(), strict=True):
            line.setPen(pg.mkPen(colour, width=LINE_WIDTH))
            if len(self._lines) <= 1:
                continue
            line.setSymbol("o")
            line.setSymbolSize(5)
            line.setSymbolBrush(colour)
            line.setSymbolPen(colour)
