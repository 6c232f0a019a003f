"""Bars over whole numbers, their shares in percent."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.theme import data_colours, is_dark
from app.widgets.plot import Plot

WIDTH = 0.7
LEAST = 8
"""Places there are at least, so that a single bar is not as wide as the chart."""


class BarChart(Plot):
    """How often 1, 2, ... were counted.

    Args:
        caption: What is shown.
        across: What is counted.
    """

    def __init__(self, caption: str, across: str, parent: QWidget | None = None) -> None:
        super().__init__(caption, parent=parent)
        self._bars = pg.BarGraphItem(x=[], height=[], width=WIDTH)
        self._plot.addItem(self._bars)
        self._plot.setLabel("bottom", across)
        self._plot.setLabel("left", "%")
        self._colour()

    def show_counts(self, counts: Sequence[int]) -> None:
        """Show other counts, that of 1 first."""
        total = max(1, sum(counts))
        numbers = list(range(1, len(counts) + 1))
        self._bars.setOpts(x=numbers, height=[100 * one / total for one in counts])
        self._plot.setXRange(0.5, max(LEAST, len(counts)) + 0.5, padding=0.02)
        self._plot.getAxis("bottom").setTicks([[(one, str(one)) for one in numbers]])

    @override
    def _colour(self) -> None:
        super()._colour()
        colours = data_colours(is_dark(self.palette()))
        self._bars.setOpts(brush=QColor(colours.blocks[1]), pen=QColor(colours.edges[1]))
