"""Read-only Markdown with the pass blocks painted behind its characters.

A real text document: it can be selected, copied, searched by a screen reader. The blocks, their
boundaries and sizes are painted only, so that what is copied stays clean.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QMimeData,
    QPoint,
    QPointF,
    QRectF,
    QSignalBlocker,
    QSize,
    Qt,
    QUrl,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QColor,
    QDesktopServices,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QToolTip, QWidget
from typing_extensions import override

from app.markdown.document import Ink, MarkdownDocument
from app.theme import data_colours, is_dark
from app.widgets.pass_layer import ColourMode, PassLayer
from app.widgets.pass_painter import MARGIN, PassPainter, quiet, reading_marks
from app.widgets.pass_spans import BlockSpan, PassSpans
from app.widgets.pass_tip import tip_html, tip_text
from app.widgets.text_blocks import blocks_in


class PassText(QTextEdit):
    """One message's text with its blocks, as high as its text is.

    Attributes:
        paint_seconds: What the last painting took.

    Signals:
        caret_moved: Where the keyboard's caret is now, for whoever scrolls.
        clicked: Offset within the answer of the character that was clicked.
    """

    caret_moved = Signal(QRectF)
    clicked = Signal(int)

    def __init__(self, offset: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.paint_seconds = 0.0
        self._spans = PassSpans()
        self._marked: tuple[int, int] | None = None
        self._writer = MarkdownDocument(self.document(), self._ink())
        self._layer = PassLayer(self.document(), offset)
        self._set_up()

    def _set_up(self) -> None:
        self.setReadOnly(True)
        self.setProperty("role", "plain")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.viewport().setMouseTracking(True)
        self.document().setDocumentMargin(MARGIN)
        self.cursorPositionChanged.connect(self._on_caret_moved)

    def show_passes(
        self, source: str, spans: PassSpans, blocks: Sequence[BlockSpan], *, same_start: bool
    ) -> None:
        """Show `source`, this widget's part of the answer, with these blocks over it.

        Args:
            source: Markdown; where it only grew, only its end is written anew.
            spans: Every pass of the answer.
            blocks: The blocks to draw.
            same_start: Whether blocks were only added since the last call.
        """
        anchor, position = self.textCursor().anchor(), self.textCursor().position()
        changed_from = self._writer.set_source(source)
        self._place_caret(anchor, position)
        self._spans, grown = spans, self._layer.open_start
        self._layer.set_blocks(spans, blocks, self._writer.positions)
        changed_from = min(changed_from, self._layer.position_of(grown))
        # The text block before it holds the marks of hidden characters in between.
        changed = self.document().findBlock(changed_from).blockNumber() - 1
        self._layer.forget_from(changed if same_start else 0)
        self._fit_height()
        self.viewport().update()

    def mark(self, start: int, end: int) -> None:
        """Mark the block at these offsets of the answer; what stands behind it is faint."""
        self._marked = start, end
        first, last = self._layer.position_of(start), self._layer.position_of(end)
        close = self.document().characterCount() - 1
        self.setExtraSelections(reading_marks(self.document(), first, last, close))

    def mark_provisional(self, start: int, end: int) -> None:
        """What stands between these offsets of the answer is yet to be checked: faint."""
        marks = []
        if start < end:
            close = self.document().characterCount() - 1
            # Not up to the close: where it begins in a table, Qt would take the whole table.
            first, last = (self._layer.position_behind(one) for one in (start, end))
            marks = [quiet(self.document(), min(first, close), min(last, close))]
        if marks or self.extraSelections():
            self.setExtraSelections(marks)

    def rect_at(self, offset: int) -> QRectF:
        """Where a character of the answer stands, in this widget."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._layer.position_of(offset))
        return QRectF(self.cursorRect(cursor))

    def set_colour_mode(self, mode: ColourMode) -> None:
        """Let the colours mean something else."""
        self._layer.set_mode(mode)
        self.viewport().update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(400, self.height())

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(120, 20)

    @override
    def createMimeDataFromSelection(self) -> QMimeData:
        data = QMimeData()
        data.setText(self.textCursor().selection().toPlainText())
        return data

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._layer.clear_boxes()
            self._fit_height()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._writer.set_ink(self._ink())
            self._layer.clear_boxes()
            if self._marked is not None:
                self.mark(*self._marked)
        elif event.type() == QEvent.Type.FontChange:
            self._writer.set_ink(self._ink())

    @override
    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._show_tip(event.pos(), event.globalPos())
            return True
        return super().viewportEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Alt and an arrow walk from block to block; Alt and Down tell about the caret's."""
        if event.modifiers() != Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._walk(1 if event.key() == Qt.Key.Key_Right else -1)
        elif event.key() == Qt.Key.Key_Down:
            self._tell_caret()
        else:
            super().keyPressEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        address = QUrl(self.anchorAt(event.position().toPoint()))
        if event.button() != Qt.MouseButton.LeftButton or self._has_selection():
            return
        if address.scheme() in ("http", "https"):
            QDesktopServices.openUrl(address)
        elif (position := self._position_under(event.position())) >= 0:
            self.clicked.emit(self._layer.source_at(position))

    def _has_selection(self) -> bool:
        return self.textCursor().hasSelection()

    def _walk(self, direction: int) -> None:
        offset = self._layer.source_at(self.textCursor().position())
        number = self._layer.block_at(offset) + direction
        start = self._layer.block_start(number)
        if start is None:
            return
        cursor = self.textCursor()
        cursor.setPosition(self._layer.position_of(start))
        self.setTextCursor(cursor)
        self._tell_caret()

    def _tell_caret(self) -> None:
        offset = self._layer.source_at(self.textCursor().position())
        place = self.viewport().mapToGlobal(self.cursorRect().bottomRight())
        QToolTip.showText(place, tip_html(self._spans, offset), self)
        self.setAccessibleDescription(tip_text(self._spans, offset))

    def _show_tip(self, place: QPoint, global_place: QPoint) -> None:
        position = self._position_under(QPointF(place))
        if position < 0 or self._layer.mode == "off":
            QToolTip.hideText()
            return
        html = tip_html(self._spans, self._layer.source_at(position))
        QToolTip.showText(global_place, html, self)

    def _position_under(self, point: QPointF) -> int:
        """Document position of the character at a point, -1 where there is none."""
        layout = self.document().documentLayout()
        return layout.hitTest(point, Qt.HitTestAccuracy.ExactHit)

    def _place_caret(self, anchor: int, position: int) -> None:
        """Keep caret and selection where they were: writing pushes them along."""
        end = self.document().characterCount() - 1
        cursor = self.textCursor()
        cursor.setPosition(min(anchor, end))
        cursor.setPosition(min(position, end), QTextCursor.MoveMode.KeepAnchor)
        with QSignalBlocker(self):
            self.setTextCursor(cursor)

    def _fit_height(self) -> None:
        if self.document().textWidth() != self.viewport().width():
            self.document().setTextWidth(self.viewport().width())
        height = math.ceil(self.document().size().height())
        if height != self.height():
            self.setFixedHeight(height)

    @Slot()
    def _on_caret_moved(self) -> None:
        if self.hasFocus():
            self.caret_moved.emit(QRectF(self.cursorRect()))

    def _ink(self) -> Ink:
        palette = QGuiApplication.palette()  # a style sheet makes the widget's own transparent
        colours = data_colours(is_dark(palette))
        return Ink(
            quiet=palette.color(QPalette.ColorRole.PlaceholderText),
            link=palette.color(QPalette.ColorRole.Link),
            line=palette.color(QPalette.ColorRole.Mid),
            syntax={name: QColor(colour) for name, colour in colours.code.items()},
        )

    # Painting, from the ground up: panels, boxes, text, figures.

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        began = time.perf_counter()
        visible = QRectF(event.rect()).adjusted(0, -30, 0, 30)
        blocks = list(blocks_in(self.document(), visible))
        paint = PassPainter(self._layer.mode, self.font())
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint.grounds(painter, blocks, self.viewport().width())
        boxes = [
            (box, box.rect.translated(rect.topLeft()))
            for block, rect in blocks
            for box in self._layer.boxes(
                block, visible.top() - rect.top(), visible.bottom() - rect.top()
            )
        ]
        paint.boxes(painter, boxes)
        painter.end()
        super().paintEvent(event)
        painter.begin(self.viewport())
        paint.figures(painter, boxes)
        painter.end()
        self.paint_seconds = time.perf_counter() - began
