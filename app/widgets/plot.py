"""What all charts are drawn on: a plot in the palette's colours with a caption above.

Only this file and those that build on it import pyqtgraph.
"""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from app.widgets.text import SPACE, muted

HEIGHT = 190


class Plot(QWidget):
    """A plot that nobody drags or zooms.

    Args:
        caption: What is shown, with its unit.
        height: Of the plot in pixels.
    """

    def __init__(self, caption: str, height: int = HEIGHT, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(caption)
        self._caption = muted(caption)
        self._plot = pg.PlotWidget()
        self._plot.setFixedHeight(height)
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # The room that is found for them by itself is too low for some fonts.
        height_of_figures = self.fontMetrics().height()
        self._plot.getAxis("bottom").setStyle(
            autoExpandTextSpace=False, tickTextHeight=height_of_figures
        )
        # Where figures stand at the ends of the axes half of them lies beyond.
        self._plot.getPlotItem().setContentsMargins(0, SPACE, SPACE, 0)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._caption)
        self._column.addWidget(self._plot)

    def set_caption(self, caption: str) -> None:
        """Say that something else is shown."""
        self.setAccessibleName(caption)
        self._caption.setText(caption)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        """Take the palette's colours."""
        palette = self.palette()
        self._plot.setBackground(palette.color(QPalette.ColorRole.Base))
        text = palette.color(QPalette.ColorRole.PlaceholderText)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(text)
            axis.setTextPen(text)
