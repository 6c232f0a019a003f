"""Which characters of an answer came from which slot of which pass; no Qt in here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from core.estimate import estimate
from core.events import PassDone


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
        first, start = len(self.tokens), len(self.text)
        at = start
        for number, piece in enumerate(_pieces(done)):
            self.tokens.append(TokenSpan(at, at + len(piece), done, number + 1))
            at += len(piece)
        self.passes.append(done)
        self.text += done.text
        self.recorded.append(BlockSpan(first, len(done.token_ids), start, at))

    def estimated(self, threshold: float, count_from_slot: int) -> list[BlockSpan]:
        """The blocks this text would have come in at another threshold."""
        blocks, first = [], 0
        for size in estimate(self.passes, threshold, count_from_slot):
            tokens = self.tokens[first : first + size]
            blocks.append(BlockSpan(first, size, tokens[0].start, tokens[-1].end))
            first += size
        return blocks


def _pieces(done: PassDone) -> tuple[str, ...]:
    """Each token's text; spread evenly where a trace does not tell."""
    if len(done.pieces) == len(done.token_ids) and "".join(done.pieces) == done.text:
        return done.pieces
    count, length = max(len(done.token_ids), 1), len(done.text)
    cuts = [length * number // count for number in range(count + 1)]
    return tuple(done.text[start:end] for start, end in pairwise(cuts))
