"""Laid-out Markdown in a QTextDocument, grown at its end, with a map from source to document.

Only the last chunk of a growing text can still change, so only that is parsed anew, and of it
only what differs from before is written anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextTableFormat,
)

from app.markdown.blocks import Block, Run, Style
from app.markdown.parser import parse

KIND = QTextFormat.Property.UserProperty.value + 1
QUOTES = QTextFormat.Property.UserProperty.value + 2
PANEL = QTextFormat.Property.UserProperty.value + 3

LINE_HEIGHT = 158
"""Percent; the room above a line is where the sizes of blocks stand."""
INDENT = 34
"""Of a list; room for the marker of an item, up to three digits."""
QUOTE_INDENT = 18
CODE_PADDING = 12
CODE_SPACE = 28
"""Above and below code: its panel reaches out of it, its figures stand above it."""
_HEADING_SIZES = (1.45, 1.28, 1.14, 1.06, 1.0, 1.0)


@dataclass(frozen=True)
class Ink:
    """Colours of text; everything else comes from the palette.

    Attributes:
        syntax: Name of a code colour to the colour.
    """

    quiet: QColor
    link: QColor
    line: QColor
    syntax: dict[str, QColor]


@dataclass(frozen=True)
class _Place:
    """Where writing stood before a block: document position, end of text, known positions."""

    at: int
    text_end: int
    known: int


class MarkdownDocument:
    """Writes Markdown into a document and knows where each source character went.

    Attributes:
        positions: For each source offset, and for the end, its position in the document; what
            Markdown hides has the position at which the text before it ends.
    """

    def __init__(self, document: QTextDocument, ink: Ink) -> None:
        self._document = document
        self._ink = ink
        self._source = ""
        self._last_start = 0
        self._last_place = _Place(0, 0, 0)
        self._last: list[tuple[Block, _Place]] = []
        self._in_fresh_block = True
        self._text_end = 0
        self.positions: list[int] = [0]
        document.setUndoRedoEnabled(False)

    def set_source(self, source: str) -> int:
        """Show `source`; returns the document position from which on anything changed."""
        if not source.startswith(self._source):
            self._forget()
        self._source = source
        chunks = parse(source, self._last_start)
        blocks = [block for chunk in chunks for block in chunk.blocks]
        kept = self._unchanged(blocks)
        cursor = QTextCursor(self._document)
        cursor.beginEditBlock()
        at = self._cut(cursor, kept)
        for block in blocks[kept:]:
            self._write_block(cursor, block)
        self._fill(len(source) + 1)
        cursor.endEditBlock()
        if chunks:
            del self._last[: -len(chunks[-1].blocks)]
            self._last_start, self._last_place = chunks[-1].start, self._last[0][1]
        return at

    def _forget(self) -> None:
        """Write everything anew next time."""
        self._last_start, self._last_place, self._last = 0, _Place(0, 0, 0), []

    def _unchanged(self, blocks: list[Block]) -> int:
        """How many blocks of the last chunk can stay; its very last one never does."""
        count = 0
        for new, (old, _place) in zip(blocks, self._last[:-1], strict=False):
            if new != old:
                break
            count += 1
        return count

    def _cut(self, cursor: QTextCursor, kept: int) -> int:
        """Take away what follows the first `kept` blocks of the last chunk; returns where."""
        place = self._last[kept][1] if kept < len(self._last) else self._last_place
        del self._last[kept:]
        del self.positions[place.known :]
        self._text_end = place.text_end
        self._in_fresh_block = True
        cursor.setPosition(place.at)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        return place.at

    def set_ink(self, ink: Ink) -> None:
        """Write everything anew in other colours."""
        self._ink = ink
        self._forget()
        self.set_source(self._source)

    def _fill(self, until: int) -> None:
        """Give every source offset before `until` that has no place yet the last text's end."""
        self.positions.extend([self._text_end] * (until - len(self.positions)))

    def _write_block(self, cursor: QTextCursor, block: Block) -> None:
        known = len(self.positions)
        self._begin_block(cursor, self._block_format(block))
        self._last.append((block, _Place(cursor.position(), self._text_end, known)))
        if block.kind == "table":
            self._write_table(cursor, block)
        else:
            self._write_runs(cursor, block.runs, self._base_format(block))

    def _begin_block(self, cursor: QTextCursor, block_format: QTextBlockFormat) -> None:
        if self._in_fresh_block:
            cursor.setBlockFormat(block_format)
            cursor.setBlockCharFormat(QTextCharFormat())
        else:
            cursor.insertBlock(block_format, QTextCharFormat())
        self._in_fresh_block = False

    def _write_runs(
        self, cursor: QTextCursor, runs: list[Run] | tuple[Run, ...], base: QTextCharFormat
    ) -> None:
        for run in runs:
            self._fill(run.start)
            at = cursor.position()
            cursor.insertText(run.text, self._char_format(run.style, base))
            self._text_end = cursor.position()
            self._map(run, at, self._text_end)

    def _map(self, run: Run, at: int, end: int) -> None:
        """Positions of a run's source characters: one by one, or spread over its text."""
        known = len(self.positions)
        count = run.end - run.start
        if end - at == count:
            self.positions.extend(range(at + known - run.start, end))
        elif len(run.text) == count:
            for char in run.text:
                self.positions.append(at)
                at += 2 if char > "\uffff" else 1
        else:
            spread = range(known - run.start, count)
            self.positions.extend(at + (end - at) * step // count for step in spread)

    def _write_table(self, cursor: QTextCursor, block: Block) -> None:
        columns = max(len(row) for row in block.rows)
        table = cursor.insertTable(len(block.rows), columns, self._table_format(columns))
        for row_number, row in enumerate(block.rows):
            for column, cell in enumerate(row):
                inside = table.cellAt(row_number, column).firstCursorPosition()
                cell_format = QTextBlockFormat()
                cell_format.setAlignment(_ALIGN[cell.align])
                cell_format.setLineHeight(LINE_HEIGHT, _PROPORTIONAL)
                inside.setBlockFormat(cell_format)
                self._write_runs(inside, cell.runs, QTextCharFormat())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.setBlockFormat(_thin_format())
        cursor.setBlockCharFormat(_thin_chars())
        self._in_fresh_block = True

    def _table_format(self, columns: int) -> QTextTableFormat:
        table = QTextTableFormat()
        table.setBorderCollapse(True)
        table.setBorder(1)
        table.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        table.setBorderBrush(QBrush(self._ink.line))
        table.setCellPadding(5)
        table.setCellSpacing(0)
        table.setTopMargin(4)
        table.setBottomMargin(24)
        free = QTextLength(QTextLength.Type.VariableLength, 0)
        table.setColumnWidthConstraints([free] * columns)
        return table

    def _block_format(self, block: Block) -> QTextBlockFormat:
        shape = QTextBlockFormat()
        if block.kind == "table":
            return _thin_format()
        shape.setLineHeight(LINE_HEIGHT, _PROPORTIONAL)
        shape.setBottomMargin(9 if block.is_tight else 15)
        shape.setLeftMargin(block.depth * INDENT + block.quotes * QUOTE_INDENT)
        shape.setProperty(KIND, block.kind)
        shape.setProperty(QUOTES, block.quotes)
        if block.is_item:
            shape.setTextIndent(6 - INDENT)
            shape.setTabPositions([_tab_at(INDENT - 6)])
        if block.kind == "heading":
            shape.setHeadingLevel(block.level)
            shape.setTopMargin(10)
        if block.kind == "maths":
            shape.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        if block.kind == "code":
            shape.setLeftMargin(shape.leftMargin() + CODE_PADDING)
            shape.setRightMargin(CODE_PADDING)
            shape.setTopMargin(CODE_SPACE if block.opens else 0)
            shape.setBottomMargin(CODE_SPACE if block.closes else 0)
        return shape

    def _base_format(self, block: Block) -> QTextCharFormat:
        base = QTextCharFormat()
        size = self._document.defaultFont().pointSizeF()
        if block.kind == "heading":
            base.setFontPointSize(size * _HEADING_SIZES[block.level - 1])
            base.setFontWeight(QFont.Weight.DemiBold)
        if block.kind == "maths":
            base.setFontPointSize(size * 1.15)
        if block.quotes:
            base.setForeground(self._ink.quiet)
        return base

    def _char_format(self, style: Style, base: QTextCharFormat) -> QTextCharFormat:
        chars = QTextCharFormat(base)
        if style.bold:
            chars.setFontWeight(QFont.Weight.Bold)
        if style.italic:
            chars.setFontItalic(True)
        if style.strike:
            chars.setFontStrikeOut(True)
        if style.code:
            chars.setFontFamilies(_mono_families())
            chars.setFontFixedPitch(True)
        if style.maths:
            chars.setFontFamilies(["STIX Two Math", "Cambria Math", "DejaVu Serif", "serif"])
        if style.link:
            chars.setForeground(self._ink.link)
            chars.setFontUnderline(True)
            chars.setAnchor(True)
            chars.setAnchorHref(style.link)
        if style.quiet:
            chars.setForeground(self._ink.quiet)
        if style.syntax in self._ink.syntax:
            chars.setForeground(self._ink.syntax[style.syntax])
        return chars


_PROPORTIONAL = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
_ALIGN = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "center": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}


def _mono_families() -> list[str]:
    return [QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family(), "monospace"]


def _thin_format() -> QTextBlockFormat:
    """For the empty blocks that Qt puts around a table."""
    shape = QTextBlockFormat()
    shape.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
    return shape


def _thin_chars() -> QTextCharFormat:
    chars = QTextCharFormat()
    chars.setFontPointSize(1)
    return chars


def _tab_at(position: float) -> Any:
    from PySide6.QtGui import QTextOption

    return QTextOption.Tab(position, QTextOption.TabType.LeftTab)
