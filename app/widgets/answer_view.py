"""One answer with its pass blocks, growing or recorded; shared by all pages that show answers."""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, QEvent, QRectF, QTimer, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.markdown.think import Part, split_thinking
from app.widgets.fold import Fold
from app.widgets.pass_layer import ColourMode
from app.widgets.pass_spans import BlockSpan, PassSpans
from app.widgets.pass_text import PassText
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone
from core.rule import USUAL_RULE, Rule

FEW_CORES = 2
REPAINT_MS = 33 if (os.cpu_count() or 1) > FEW_CORES else 100
"""At most 30 repaints a second; fewer where one takes long, or where the core that paints is
missing in a model's passes: on two cores 30 a second slow the decoding twice as much as 10
(docs/benchmarks/gui.md)."""

LEVELS = 6
"""Layouts that an answer stands in, about: each tells the next one when it has changed."""

REST = 2.0
"""How many times as long as a repaint took the window is left alone after it."""


class AnswerView(QWidget):
    """Markdown and blocks of one answer.

    Passes are kept at once and drawn some times a second, the last part only.

    Attributes:
        started: What decoded it, once known.
        ended: How it ended, once it has.

    Signals:
        redrawn: New text was laid out.
        caret_moved: Where the keyboard's caret is, in this widget.
        pass_clicked: Number of the pass whose block was clicked, from 0.
    """

    redrawn = Signal()
    pass_clicked = Signal(int)
    caret_moved = Signal(QRectF)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.started: GenerationStarted | None = None
        self.ended: GenerationEnded | None = None
        self._spans = PassSpans()
        self._mode: ColourMode = "pass"
        self._estimate: tuple[float, Rule] | None = None
        self._shown: int | None = None
        self._parts: list[tuple[Part, PassText, Fold | None]] = []
        self._plain = ""
        self._drawn: list[BlockSpan] | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._redraw)
        self._layout_seconds = 0.0

    @property
    def passes(self) -> tuple[PassDone, ...]:
        """The passes so far."""
        return tuple(self._spans.passes)

    @property
    def events(self) -> tuple[GenerationEvent, ...]:
        """The answer's events, as they were given."""
        known = (self.started, *self.passes, self.ended)
        return tuple(one for one in known if one is not None)

    @property
    def text(self) -> str:
        """The answer's Markdown as it came."""
        return self.ended.text if self.ended else self._spans.text or self._plain

    @property
    def block_sizes(self) -> tuple[int, ...]:
        """Sizes of the blocks as they are shown, estimated ones if an estimate is."""
        return tuple(block.size for block in self._blocks())

    def show_trace(self, events: Iterable[GenerationEvent]) -> None:
        """Show a recorded answer, whole or broken off."""
        self._spans, self.started, self.ended, self._shown = PassSpans(), None, None, None
        for event in events:
            self._take(event)
        self._redraw()

    def show_text(self, text: str) -> None:
        """Show an answer without a record of its passes."""
        self._spans, self.started, self.ended, self._shown = PassSpans(), None, None, None
        self._plain = text
        self._redraw()

    def append(self, event: GenerationEvent) -> None:
        """Take in the next event of a growing answer."""
        self._take(event)
        if self.ended is not None:
            self._redraw()
        elif not self._timer.isActive():
            self._timer.start(self._rest_ms())

    def settle(self) -> None:
        """Draw what has not been drawn yet: nothing more will come."""
        if self._timer.isActive():
            self._redraw()

    def append_pass(self, done: PassDone) -> None:
        """Take in the next pass of a growing answer."""
        self.append(done)

    def set_colour_mode(self, mode: ColourMode) -> None:
        """Colour by pass, by confidence, by slot, or not at all."""
        self._mode = mode
        for _part, text, _fold in self._parts:
            text.set_colour_mode(mode)

    def set_estimate(self, threshold: float | None, rule: Rule = USUAL_RULE) -> None:
        """Show the blocks of another threshold, an estimate; None shows what was recorded."""
        self._estimate = None if threshold is None else (threshold, rule)
        self._redraw()

    def show_up_to(self, count: int) -> QRectF:
        """Show the blocks of so many passes; the text behind them is faint.

        Returns:
            Where the last of these blocks begins, in this widget.
        """
        self._shown = count
        self._redraw()
        block = self._now
        inside = [one for one in self._parts if one[0].start <= block.start]
        if not inside:
            return QRectF()
        _part, text, fold = inside[-1]
        if fold is not None:
            fold.set_open(True)
        rect = text.rect_at(block.start)
        return rect.translated(text.mapTo(self, rect.topLeft()) - rect.topLeft())

    @property
    def _provisional(self) -> str:
        """What stands behind the answer for now, while it grows."""
        is_growing = self.ended is None and self._shown is None and self._estimate is None
        return self._spans.provisional if is_growing else ""

    @property
    def _now(self) -> BlockSpan:
        """The last block of those that are shown; an empty one before the first."""
        return self._spans.recorded[self._shown - 1] if self._shown else BlockSpan(0, 0, 0, 0)

    def _take(self, event: GenerationEvent) -> None:
        match event:
            case GenerationStarted():
                self.started = event
            case PassDone():
                self._spans.append(event)
            case GenerationEnded():
                self.ended = event

    @Slot()
    def _redraw(self) -> None:
        began = time.perf_counter()
        self._timer.stop()
        text, blocks = self.text, self._blocks()
        final = len(text)
        text += self._provisional
        # Only the list that grows with the passes keeps what it held.
        same_start = blocks is self._drawn
        self._drawn = blocks
        parts = split_thinking(text)
        if [(part.is_thinking, part.start) for part in parts] != [
            (part.is_thinking, part.start) for part, _text, _fold in self._parts
        ]:
            self._rebuild(parts)
        for number, part in enumerate(parts):
            old, widget, fold = self._parts[number]
            self._parts[number] = (part, widget, fold)
            if old.end != part.end or part is parts[-1] or not same_start:
                widget.show_passes(
                    text[part.start : part.end], self._spans, blocks, same_start=same_start
                )
            if self._shown is not None:
                widget.mark(self._now.start, self._now.end)
            else:
                widget.mark_provisional(final, len(text))
            if fold is not None:
                fold.set_live(part is parts[-1] and self.ended is None)
        self._layout_seconds = time.perf_counter() - began
        self.redrawn.emit()
        if self.started is not None and self.ended is None:
            self._lay_out()

    def _lay_out(self) -> None:
        """Lay out what stands around now, level by level, lest each level be painted apart."""
        for _ in range(LEVELS):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)

    def _rest_ms(self) -> int:
        """How long to wait before the next repaint, from what the last one took."""
        paint_seconds = self._parts[-1][1].paint_seconds if self._parts else 0.0
        return max(REPAINT_MS, int((self._layout_seconds + paint_seconds) * REST * 1000))

    def _blocks(self) -> list[BlockSpan]:
        if self._shown is not None:
            return self._spans.recorded[: self._shown]
        if self._estimate is None:
            return self._spans.recorded
        return self._spans.estimated(*self._estimate)

    def _rebuild(self, parts: list[Part]) -> None:
        """Widgets for the parts; those that stay in place are kept."""
        kept = 0
        for (old, _text, _fold), new in zip(self._parts, parts, strict=False):
            if (old.is_thinking, old.start) != (new.is_thinking, new.start):
                break
            kept += 1
        for _part, text, fold in self._parts[kept:]:
            (fold or text).deleteLater()
            self._layout.removeWidget(fold or text)
        del self._parts[kept:]
        for part in parts[kept:]:
            self._add_part(part)

    def _add_part(self, part: Part) -> None:
        text = PassText(part.start)
        text.setFont(self.font())  # where there is a style sheet Qt does not hand it down
        text.setAccessibleName("Thinking" if part.is_thinking else "Answer")
        text.set_colour_mode(self._mode)
        text.caret_moved.connect(self._on_caret_moved)
        text.clicked.connect(self._on_clicked)
        fold = Fold("Thinking", text) if part.is_thinking else None
        self._layout.addWidget(fold or text)
        self._parts.append((Part(part.is_thinking, part.start, part.start), text, fold))

    @Slot(int)
    def _on_clicked(self, offset: int) -> None:
        number = bisect_right(self._spans.recorded, offset, key=lambda block: block.start) - 1
        if number >= 0:
            self.pass_clicked.emit(number)

    @Slot(QRectF)
    def _on_caret_moved(self, rect: QRectF) -> None:
        text = self.sender()
        assert isinstance(text, PassText)
        self.caret_moved.emit(rect.translated(text.mapTo(self, rect.topLeft()) - rect.topLeft()))
