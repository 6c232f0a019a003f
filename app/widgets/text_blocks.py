"""Which text blocks of a laid-out document lie in sight; no matter how long it is."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRectF
from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument, QTextFrame


def blocks_in(document: QTextDocument, visible: QRectF) -> Iterator[tuple[QTextBlock, QRectF]]:
    """Text blocks in this part of a document, with their places."""
    layout = document.documentLayout()
    block = _first_block_in(document, visible.top())
    while block.isValid():
        rect = layout.blockBoundingRect(block)
        if rect.top() > visible.bottom() and not _is_in_table(block):
            return
        if rect.bottom() >= visible.top():
            yield block, rect
        block = block.next()


def _first_block_in(document: QTextDocument, top: float) -> QTextBlock:
    """By halving: text blocks lie below each other, but for the cells of a table."""
    layout = document.documentLayout()
    low, high = 0, document.blockCount() - 1
    while low < high:
        middle = (low + high) // 2
        if layout.blockBoundingRect(document.findBlockByNumber(middle)).bottom() < top:
            low = middle + 1
        else:
            high = middle
    block = document.findBlockByNumber(low)
    while block.previous().isValid() and _is_in_table(block):
        block = block.previous()
    return block


def _is_in_table(block: QTextBlock) -> bool:
    cursor = QTextCursor(block)
    frame: QTextFrame = cursor.currentFrame()
    return frame != block.document().rootFrame()
