"""A small drawing of an answer in pass blocks, so that the first real one needs no legend."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.theme import data_colours, is_dark

BLOCKS = (
    ("One", 1),
    (", two, three", 4),
    (", four, five, six", 6),
    (", seven", 2),
    (", eight, nine, ten", 6),
    (".", 1),
)
"""Text of each block and how many tokens it stands for; an illustration, not a recording."""

LINE_HEIGHT = 2.6
"""In heights of the font: the text, and the figure over it."""


class PassPicture(QWidget):
    """Paints the blocks; says the same in words to a screen reader."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        self.setFont(font)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        words = ", ".join(f"{size} in one pass" for _, size in BLOCKS)
        self.setAccessibleName("Example of an answer in pass blocks")
        self.setAccessibleDescription(f"Twenty tokens in six passes: {words}.")

    @override
    def sizeHint(self) -> QSize:
        return QSize(320, self.heightForWidth(320))

    @override
    def hasHeightForWidth(self) -> bool:
        return True

    @override
    def heightForWidth(self, width: int) -> int:
        places = self._places(width)
        return int(max(place.bottom() for place in places)) + 2

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = data_colours(is_dark(self.palette()))
        small = QFont(self.font())
        small.setPointSizeF(small.pointSizeF() * 0.68)
        small.setWeight(QFont.Weight.DemiBold)
        for index, ((text, size), place) in enumerate(
            zip(BLOCKS, self._places(self.width()), strict=True)
        ):
            edge = QColor(colours.edges[index % len(colours.edges)])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.blocks[index % len(colours.blocks)]))
            painter.drawRoundedRect(place, 4, 4)
            painter.setPen(QPen(edge, 2))
            painter.drawLine(place.topLeft() + QPointF(1, 2), place.bottomLeft() + QPointF(1, -2))
            painter.setFont(small)
            above = QRectF(place.x(), place.y() - 18, place.width(), 18)
            painter.setPen(edge)
            painter.drawText(
                above, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, str(size)
            )
            painter.setFont(self.font())
            painter.setPen(self.palette().text().color())
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _places(self, width: int) -> list[QRectF]:
        """Where each block lies, row after row."""
        metrics = QFontMetricsF(self.font())
        height = metrics.height() * 1.35
        x, y, places = 0.0, 18.0, []
        for text, _ in BLOCKS:
            wide = metrics.horizontalAdvance(text) + 12
            if x and x + wide > width:
                x, y = 0.0, y + metrics.height() * LINE_HEIGHT
            places.append(QRectF(x, y, wide, height))
            x += wide + 3
        return places
