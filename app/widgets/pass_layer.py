"""Where the pass blocks of an answer lie on screen: the second layer over its characters.

Worked out for a few lines of a text block (paragraph, code line, table cell) at a time and only
for those that are painted, so that neither the length of an answer nor of a paragraph matters.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, cast

from PySide6.QtCore import QRectF
from PySide6.QtGui import QTextBlock, QTextDocument, QTextLayout, QTextLine

from app.widgets.pass_spans import BlockSpan, PassSpans

ColourMode = Literal["pass", "confidence", "slot", "off"]
COLOUR_MODES: tuple[ColourMode, ...] = ("pass", "confidence", "slot", "off")

CONFIDENCE_BANDS = (0.8, 0.9, 0.95, 0.99)
"""Where one confidence band ends and the next begins; the slider's named stops."""

LINES_AT_ONCE = 16
"""So many lines of a text block are measured together."""

MOST_FIGURES = 3
"""Of blocks that lie on hidden characters of one place, so many sizes are shown."""


def confidence_band(confidence: float) -> int:
    """Number of the band, 0 (below .8) to 4 (from .99)."""
    return bisect_right(CONFIDENCE_BANDS, confidence)


@dataclass(frozen=True, slots=True)
class Mark:
    """One coloured stretch: a block, or one token of it.

    Attributes:
        start: Source offset of its first character.
        ground: Index into the mode's colours.
        figure: What stands small above its end, empty for nothing.
        opens: Whether a block begins here.
    """

    start: int
    end: int
    ground: int
    figure: str
    opens: bool


@dataclass(frozen=True, slots=True)
class Box:
    """A mark's piece on one line, in document coordinates; a hidden mark has no width."""

    rect: QRectF
    ground: int
    figure: str
    opens: bool


class PassLayer:
    """Boxes of the passes over one document.

    Args:
        document: Laid-out text.
        offset: Where the document's source begins within the answer.

    Attributes:
        open_start: Where the last block begins within the answer: the next pass may add to it.
    """

    def __init__(self, document: QTextDocument, offset: int = 0) -> None:
        self._document = document
        self._offset = offset
        self._spans = PassSpans()
        self._blocks: Sequence[BlockSpan] = ()
        self._positions: list[int] = [0]
        self._mode: ColourMode = "pass"
        self._boxes: dict[tuple[int, int], list[Box]] = {}
        self.open_start = 0

    @property
    def mode(self) -> ColourMode:
        """What the colours mean."""
        return self._mode

    def set_mode(self, mode: ColourMode) -> None:
        """Let the colours mean something else."""
        self._mode = mode
        self._boxes.clear()

    def set_blocks(
        self, spans: PassSpans, blocks: Sequence[BlockSpan], positions: list[int]
    ) -> None:
        """Take over passes and the places of their characters."""
        self._spans, self._blocks, self._positions = spans, blocks, positions
        self.open_start = blocks[-1].start if blocks else 0

    def forget_from(self, block_number: int) -> None:
        """The boxes from this text block on are to be measured anew."""
        for key in [key for key in self._boxes if key[0] >= block_number]:
            del self._boxes[key]

    def clear_boxes(self) -> None:
        """The lines lie elsewhere now."""
        self._boxes.clear()

    def boxes(self, block: QTextBlock, top: float, bottom: float) -> Iterator[Box]:
        """The boxes on the lines of one text block that lie between two heights, or close by.

        Heights and boxes are relative to the block's own top left corner.
        """
        for number in _Lines(block).stretches(top, bottom):
            key = block.blockNumber(), number
            if key not in self._boxes:
                self._boxes[key] = _gather_hidden(list(self._measure(block, number)))
            yield from self._boxes[key]

    def block_at(self, source_offset: int) -> int:
        """Number of the block that a source offset of the whole answer lies in."""
        return max(bisect_right(self._blocks, source_offset, key=lambda one: one.start) - 1, 0)

    def block_start(self, number: int) -> int | None:
        """Where a block begins within the answer, None beyond the first and last."""
        return self._blocks[number].start if 0 <= number < len(self._blocks) else None

    def source_at(self, position: int) -> int:
        """Offset within the answer of the character at a document position."""
        return self._offset + max(bisect_right(self._positions, position) - 1, 0)

    def position_of(self, source_offset: int) -> int:
        """Document position of an offset within the answer."""
        local = min(max(source_offset - self._offset, 0), len(self._positions) - 1)
        return self._positions[local]

    def position_behind(self, source_offset: int) -> int:
        """Document position behind all that stands before an offset within the answer.

        Hidden characters at the end, such as the bars of a table, have no place of their own.
        """
        local = min(max(source_offset - self._offset, 0), len(self._positions) - 1)
        last = max(self._positions[:local], default=-1)
        return max(self._positions[local], last + 1)

    def _measure(self, block: QTextBlock, stretch: int) -> Iterator[Box]:
        if self._mode == "off" or not self._blocks:
            return
        lines = _Lines(block)
        first, last, is_end = lines.positions(stretch)
        for mark in self._marks_between(first, last):
            start, end = self.position_of(mark.start), self.position_of(mark.end)
            visible = max(start, first), min(end, last)
            if visible[0] < visible[1]:
                # What stands behind it may be hidden: the bar between two cells of a table.
                starts_here, ends_here = start >= first, not self._is_visible(last, end)
                yield from lines.boxes(mark, visible, (starts_here, ends_here))
            elif first <= start < last + is_end and not self._is_visible(start, end):
                yield lines.hidden(mark, start)

    def _is_visible(self, start: int, end: int) -> bool:
        """Whether any of these document positions holds a character and not a line's end."""
        at = start
        while at < end:
            block = self._document.findBlock(at)
            stop = block.position() + block.length() - 1
            if at < min(stop, end):
                return True
            at = stop + 1
        return False

    def _marks_between(self, first: int, last: int) -> Iterator[Mark]:
        """Marks that touch these document positions, hidden ones included."""
        low = self._offset + bisect_left(self._positions, first)
        high = self._offset + bisect_right(self._positions, last)
        number = self.block_at(low)
        while number > 0 and self._blocks[number].start >= low:
            number -= 1
        for block_number in range(number, len(self._blocks)):
            block = self._blocks[block_number]
            if block.start >= high:
                return
            if block.end >= low:
                yield from self._marks(block, block_number)

    def _marks(self, block: BlockSpan, number: int) -> Iterator[Mark]:
        if self._mode == "pass":
            yield Mark(block.start, block.end, number, str(block.size), True)
            return
        tokens = self._spans.tokens[block.first : block.first + block.size]
        for slot, token in enumerate(tokens, start=1):
            if self._mode == "slot":
                ground, figure = slot - 1, str(slot)
            else:
                ground = confidence_band(token.done.confidences[token.slot - 1])
                figure = str(block.size) if slot == block.size else ""
            yield Mark(token.start, token.end, ground, figure, slot == 1)


def _gather_hidden(boxes: list[Box]) -> list[Box]:
    """Hidden marks at one place become one, their figures side by side."""
    gathered: list[Box] = []
    for place, group in groupby(boxes, key=lambda box: (box.rect.topLeft(), box.rect.isEmpty())):
        members = list(group)
        if not place[1] or len(members) == 1:
            gathered += members
            continue
        figures = [box.figure for box in members if box.figure]
        shown = "·".join(figures[:MOST_FIGURES]) + ("…" if len(figures) > MOST_FIGURES else "")
        gathered.append(replace(members[0], figure=shown, opens=True))
    return gathered


def _x_of(line: QTextLine, position: int) -> float:
    """Where a character begins on its line."""
    x, _position = cast("tuple[float, int]", line.cursorToX(position))
    return x


class _Lines:
    """Lines of one text block, relative to the block's top left corner."""

    def __init__(self, block: QTextBlock) -> None:
        self._first = block.position()
        self._end = block.position() + block.length() - 1
        self._layout: QTextLayout = block.layout()

    def stretches(self, top: float, bottom: float) -> range:
        """Numbers of the stretches of `LINES_AT_ONCE` lines that these heights lie in."""
        lines = range(self._layout.lineCount())
        first = bisect_right(lines, top, key=lambda number: self._layout.lineAt(number).y()) - 1
        last = bisect_right(lines, bottom, key=lambda number: self._layout.lineAt(number).y()) - 1
        return range(max(first, 0) // LINES_AT_ONCE, max(last, 0) // LINES_AT_ONCE + 1)

    def positions(self, stretch: int) -> tuple[int, int, bool]:
        """Document positions where a stretch begins and ends; whether the text block does too."""
        begin, end = stretch * LINES_AT_ONCE, (stretch + 1) * LINES_AT_ONCE
        first = self._first + self._layout.lineAt(begin).textStart() if begin else self._first
        if end >= self._layout.lineCount():
            return first, self._end, True
        return first, self._first + self._layout.lineAt(end).textStart(), False

    def boxes(
        self, mark: Mark, visible: tuple[int, int], edges: tuple[bool, bool]
    ) -> Iterator[Box]:
        """One box for each line that the document positions `visible` lie on."""
        start, end = visible[0] - self._first, visible[1] - self._first
        first = self._layout.lineForTextPosition(start).lineNumber()
        last = self._layout.lineForTextPosition(end - 1).lineNumber()
        for number in range(first, last + 1):
            line = self._layout.lineAt(number)
            stop = line.textStart() + line.textLength()
            left = _x_of(line, max(start, line.textStart()))
            right = _x_of(line, min(end, stop))
            figure = mark.figure if number == last and edges[1] else ""
            opens = mark.opens and number == first and edges[0]
            yield Box(self._rect(number, left, right), mark.ground, figure, opens)

    def hidden(self, mark: Mark, position: int) -> Box:
        """A box without width for characters that Markdown does not show."""
        at = position - self._first
        line = self._layout.lineForTextPosition(at)
        number = line.lineNumber() if line.isValid() else self._layout.lineCount() - 1
        x = _x_of(self._layout.lineAt(number), at)
        return Box(self._rect(number, x, x), mark.ground, mark.figure, mark.opens)

    def _rect(self, number: int, left: float, right: float) -> QRectF:
        line = self._layout.lineAt(number)
        left, right = sorted((left, right))
        return QRectF(left, line.y(), right - left, line.ascent() + line.descent())
