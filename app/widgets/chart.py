"""Line charts that stay quick with a hundred thousand points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.theme import data_colours, is_dark
from app.widgets.plot import Plot
from app.widgets.text import muted

LINE_WIDTH = 2.0
SYMBOL_SIZE = 7
FEW = 50
"""As many points have symbols: a lone one would not be seen, and many hide their line."""
LEAST_STEPS = 10
"""The axis goes as far at least; fewer steps would have it count in fractions."""
COLOURS = (1, 4, 7, 2, 5, 0, 6, 3)
"""Places in the theme's edges, those that differ most first."""
SYMBOLS = {"o": "●", "s": "■", "t1": "▲", "d": "◆", "t": "▼", "star": "★", "t2": "▶"}
"""As the plot names them, and as the key writes them."""

Points = Sequence[tuple[float, float]]
T = TypeVar("T")


class Chart(Plot):
    """Some lines over the training step; where there are several, a key below names them.

    It is there once it has a point to show.

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
        self._plot.setLabel("bottom", "step")
        if bounds is not None:
            self._plot.setYRange(*bounds, padding=0.02)
        self._key = muted()
        self._key.setTextFormat(Qt.TextFormat.RichText)
        self._key.setVisible(len(names) > 1)
        self._column.addWidget(self._key)
        self._names = tuple(names)
        self._lines = {name: self._new_line(name) for name in names}
        self._colour()
        self.hide()

    def show_points(self, name: str, points: Points) -> None:
        """Replace a line's points, given as (step, value)."""
        self.show_lines({name: points})

    def show_lines(self, lines: Mapping[str, Points]) -> None:
        """The same for several lines at once."""
        for name, points in lines.items():
            self._put(name, points)
        self._fit()

    def _put(self, name: str, points: Points) -> None:
        if points and name not in self._lines:
            self._lines[name] = self._new_line(name)
            self._colour()
        if points or name in self._names:
            line = self._lines[name]
            line.setData([x for x, _ in points], [y for _, y in points])
            symbol = _in_turn(SYMBOLS, list(self._lines).index(name))
            line.setSymbol(symbol if len(points) <= FEW else None)
        elif name in self._lines:
            self._plot.removeItem(self._lines.pop(name))
            self._colour()

    def _fit(self) -> None:
        """Show all steps from the first to the last one that has a point."""
        steps = [line.getOriginalDataset()[0] for line in self._lines.values()]
        last = [of_line[-1] for of_line in steps if of_line is not None and len(of_line)]
        self.setVisible(bool(last))
        self._plot.setXRange(0, max(LEAST_STEPS, *last, 0), padding=0.02)

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
        key = []
        for number, (name, line) in enumerate(self._lines.items()):
            colour = QColor(edges[_in_turn(COLOURS, number)])
            line.setPen(pg.mkPen(colour, width=LINE_WIDTH))
            line.setSymbolSize(SYMBOL_SIZE)
            line.setSymbolBrush(colour)
            line.setSymbolPen(colour)
            mark = SYMBOLS[_in_turn(SYMBOLS, number)]
            key.append(f'<span style="color:{colour.name()}">{mark}</span>&nbsp;{name}')
        self._key.setText("&ensp;".join(key))


def _in_turn(things: Iterable[T], number: int) -> T:
    """Of things that are used in turn the one whose turn it is."""
    many = tuple(things)
    return many[number % len(many)]
