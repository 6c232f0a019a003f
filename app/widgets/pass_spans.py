"""Which characters of an answer came from which slot of which pass; no Qt in here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.estimate import estimate
from core.events import PassDone
from core.metrics import pieces_of
from core.rule import Rule


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """The characters `start..end` of an answer's text and the slot they came from."""

    start: int
    end: int
    done: PassDone
    slot: int


@dataclass(frozen=True, slots=True)
class BlockSpan:
    """One block as it is drawn: `size` tokens from number `first` on, at `start..end`."""

    first: int
    size: int
    start: int
    end: int


class PassSpans:
    """The passes of one answer, laid over its text.

    A token belongs to the pass that proposed it, also where a later one confirmed it.

    Attributes:
        text: The answer so far.
        tokens: One span to a token, in order; a token may add no character.
    """

    def __init__(self, passes: Iterable[PassDone] = ()) -> None:
        self.passes: list[PassDone] = []
        self.text = ""
        self.tokens: list[TokenSpan] = []
        self.recorded: list[BlockSpan] = []
        for one in passes:
            self.append(one)

    def append(self, done: PassDone) -> None:
        """Add a pass at the end."""
        pieces, confirmed = pieces_of(done), done.confirmed
        if confirmed:
            last = self.recorded[-1]
            self._add(self.passes[-1], last.size + 1, pieces[:confirmed])
            size = last.size + confirmed
            self.recorded[-1] = BlockSpan(last.first, size, last.start, self._end)
        first, start = len(self.tokens), self._end
        self._add(done, 1, pieces[confirmed:])
        self.passes.append(done)
        self.text += done.text
        self.recorded.append(BlockSpan(first, len(pieces) - confirmed, start, self._end))

    @property
    def provisional(self) -> str:
        """What the last pass proposed and the next one checks, as text."""
        if not self.passes or not self.passes[-1].provisional:
            return ""
        last = self.passes[-1]
        return "".join(last.proposed_texts[last.kept : last.kept + last.provisional])

    @property
    def _end(self) -> int:
        return self.tokens[-1].end if self.tokens else 0

    def _add(self, proposer: PassDone, first_slot: int, pieces: Sequence[str]) -> None:
        start = self._end
        for slot, piece in enumerate(pieces, start=first_slot):
            self.tokens.append(TokenSpan(start, start + len(piece), proposer, slot))
            start += len(piece)

    def estimated(self, threshold: float, rule: Rule) -> list[BlockSpan]:
        """The blocks this text would have come in at another threshold."""
        blocks, first = [], 0
        for size in estimate(self.passes, threshold, rule):
            start = self.tokens[first].start if size else self._end
            end = self.tokens[first + size - 1].end if size else self._end
            blocks.append(BlockSpan(first, size, start, end))
            first += size
        return blocks
