"""Line charts that stay quick with a hundred thousand points; the only file with pyqtgraph."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from app.theme import data_colours, is_dark
from app.widgets.text import muted

HEIGHT = 170
LINE_WIDTH = 2.0

Points = Sequence[tuple[float, float]]


class Chart(QWidget):
    """Some lines over the training step, with a caption above and a legend where there are several.

    Args:
        caption: What is shown, with its unit.
        names: Of the lines.
        bounds: Lowest and highest value, where these are known.
    """

    def __init__(
        self,
        caption: str,
        names: Sequence[str],
        bounds: tuple[float, float] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(caption)
        self._names = tuple(names)
        self._plot = pg.PlotWidget()
        self._plot.setFixedHeight(HEIGHT)
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if bounds is not None:
            self._plot.setYRange(*bounds, padding=0.02)
        # In one row at the foot, where curves that grow have left.
        many = len(names) > 1
        self._legend = self._plot.addLegend((8, -8), colCount=len(names)) if many else None
        self._lines = [self._new_line(name) for name in names]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(muted(caption))
        layout.addWidget(self._plot)
        self._colour()

    def show_points(self, name: str, points: Points) -> None:
        """Replace a line's points, given as (step, value)."""
        line = self._lines[self._names.index(name)]
        line.setData([x for x, _ in points], [y for _, y in points])

    def values(self, name: str) -> list[float]:
        """The values a line shows now."""
        values = self._lines[self._names.index(name)].getOriginalDataset()[1]
        return [] if values is None else list(values)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _new_line(self, name: str) -> pg.PlotDataItem:
        line = self._plot.plot([], [], name=name)
        # Of many points only those that a pixel can show are drawn.
        line.setDownsampling(auto=True, method="peak")
        line.setClipToView(True)
        return line

    def _colour(self) -> None:
        palette = self.palette()
        edges = data_colours(is_dark(palette)).edges
        self._plot.setBackground(palette.color(QPalette.ColorRole.Base))
        text = palette.color(QPalette.ColorRole.PlaceholderText)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(text)
            axis.setTextPen(text)
        if self._legend is not None:
            self._legend.setLabelTextColor(palette.color(QPalette.ColorRole.WindowText))
        for number, line in enumerate(self._lines):
            colour = QColor(edges[(number * 3 + 1) % len(edges)])
            line.setPen(pg.mkPen(colour, width=LINE_WIDTH))
            if len(self._lines) <= 1:
                continue
            line.setSymbol("o")
            line.setSymbolSize(5)
            line.setSymbolBrush(colour)
            line.setSymbolPen(colour)
