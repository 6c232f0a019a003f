"""What all charts are drawn on: a plot in the palette's colours with a caption above.

Only this file and those that build on it import pyqtgraph.
"""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from app.widgets.text import muted

HEIGHT = 170


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
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._caption)
        self._column.addWidget(self._plot)

    def set_caption(self, caption: str) -> None:
        """Say that something else is shown."""
        self.setAccessibleName(caption)
        self._caption.setText(caption)

    def _show_axes(self, shown: bool) -> None:
        """Figures along the sides say nothing while there is nothing beside them."""
        for side in ("left", "bottom"):
            self._plot.showAxis(side, shown)

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
