"""Paints what lies under and over an answer's text: panels, blocks, sizes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QPainter,
    QPalette,
    QPen,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QTextEdit

from app.markdown.document import CODE_PADDING, KIND, QUOTE_INDENT, QUOTES
from app.theme import data_colours, is_dark
from app.widgets.pass_layer import Box, ColourMode

MARGIN = 9
TICK = 1.5
ROUNDING = 3.0
FIGURE_SCALE = 0.66
FAINT = 0.7
"""A block of one token is the ordinary case: its figure steps back."""

UNDERLINES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.NoPen,
)
"""Per confidence band, lowest first: colour is never alone."""


class PassPainter:
    """Paints for one colour mode; all places are in document coordinates."""

    def __init__(self, mode: ColourMode, font: QFont) -> None:
        self._mode = mode
        self._font = font

    def grounds(
        self, painter: QPainter, blocks: Sequence[tuple[QTextBlock, QRectF]], width: int
    ) -> None:
        """Code panels, bars of quotes, rules."""
        right = width - MARGIN
        line = QGuiApplication.palette().color(QPalette.ColorRole.Mid)
        panel: QRectF | None = None
        for block, rect in blocks:
            shape = block.blockFormat()
            kind = shape.property(KIND)
            if kind == "code":
                left = MARGIN + shape.leftMargin() - CODE_PADDING
                piece = QRectF(left, rect.top() - 8, right - left, rect.height() + 16)
                panel = piece if panel is None else panel.united(piece)
            elif panel is not None:
                _paint_panel(painter, panel)
                panel = None
            if kind == "rule":
                y = rect.center().y()
                painter.setPen(QPen(line, 1.5))
                painter.drawLine(QPointF(MARGIN, y), QPointF(right, y))
            for level in range(int(shape.property(QUOTES) or 0)):
                bar = QRectF(MARGIN + level * QUOTE_INDENT, rect.top() - 3, 3, rect.height() + 6)
                painter.fillRect(bar, line)
        if panel is not None:
            _paint_panel(painter, panel)

    def _colours(self) -> tuple[Sequence[str], Sequence[str]]:
        """Grounds and edges of the mode's colours."""
        colours = data_colours(is_dark(QGuiApplication.palette()))
        text = QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText).name()
        if self._mode == "confidence":
            return colours.confidence, [text] * len(colours.confidence)
        if self._mode == "slot":
            return colours.slots, [text] * len(colours.slots)
        return colours.blocks, colours.edges

    def boxes(self, painter: QPainter, boxes: Sequence[tuple[Box, QRectF]]) -> None:
        grounds, edges = self._colours()
        is_cycle = self._mode == "pass"
        for box, rect in boxes:
            number = box.ground % len(grounds) if is_cycle else min(box.ground, len(grounds) - 1)
            painter.setPen(Qt.PenStyle.NoPen)
            if rect.width() > 0:
                painter.setBrush(QColor(grounds[number]))
                painter.drawRoundedRect(rect.adjusted(0.5, 0, -0.5, 0), ROUNDING, ROUNDING)
            if box.opens or rect.width() == 0:
                painter.setBrush(QColor(edges[number]))
                painter.drawRoundedRect(QRectF(rect.left(), rect.top(), TICK, rect.height()), 1, 1)
            if self._mode == "confidence" and rect.width() > 0:
                painter.setPen(QPen(QColor(edges[number]), 1.2, UNDERLINES[number]))
                painter.drawLine(rect.bottomLeft(), rect.bottomRight())

    def figures(self, painter: QPainter, boxes: Sequence[tuple[Box, QRectF]]) -> None:
        """Sizes, above the end of their block; pushed right where two would meet."""
        _grounds, edges = self._colours()
        font = QFont(self._font)
        font.setPointSizeF(font.pointSizeF() * FIGURE_SCALE)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        line, occupied = -1.0, -1.0
        for box, rect in boxes:
            if not box.figure:
                continue
            if rect.top() != line:
                line, occupied = rect.top(), -1.0
            width = metrics.horizontalAdvance(box.figure)
            left = rect.right() - width if rect.width() > 0 else rect.left()
            left = max(left, occupied)
            occupied = left + width + 1.5
            colour = QColor(edges[box.ground % len(edges)])
            colour.setAlphaF(FAINT if box.figure == "1" else 1.0)
            painter.setPen(colour)
            painter.drawText(QPointF(left, rect.top() - 1.0), box.figure)


def reading_marks(
    document: QTextDocument, first: int, last: int, end: int
) -> list[QTextEdit.ExtraSelection]:
    """A line under the document positions `first..last`; quiet letters from there to `end`."""
    marked = QTextCharFormat()
    marked.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
    marked.setUnderlineColor(QGuiApplication.palette().color(QPalette.ColorRole.Accent))
    return [_mark(document, first, last, marked), quiet(document, last, end)]


def quiet(document: QTextDocument, first: int, last: int) -> QTextEdit.ExtraSelection:
    """Quiet letters at the document positions `first..last`."""
    form = QTextCharFormat()
    form.setForeground(QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText))
    return _mark(document, first, last, form)


def _mark(
    document: QTextDocument, first: int, last: int, form: QTextCharFormat
) -> QTextEdit.ExtraSelection:
    mark = QTextEdit.ExtraSelection()
    mark.format = form
    mark.cursor = QTextCursor(document)
    mark.cursor.setPosition(first)
    mark.cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
    return mark


def _paint_panel(painter: QPainter, panel: QRectF) -> None:
    painter.setPen(QPen(QGuiApplication.palette().color(QPalette.ColorRole.Mid), 1))
    painter.setBrush(QGuiApplication.palette().color(QPalette.ColorRole.Window))
    painter.drawRoundedRect(panel, 7, 7)
