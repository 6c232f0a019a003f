"""Figures of one answer, from its pass events alone: chat, charts, command line agree.

Definitions: tokens per pass is all tokens over all passes; tokens a second counts the
tokens after the first pass over their time (the first pass holds the prefill).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.events import PassDone


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What one answer's passes say; rates are 0.0 where nothing was measured."""

    tokens: int
    passes: int
    tokens_per_pass: float
    tokens_per_second: float
    prefill_seconds: float
    decode_seconds: float
    block_sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """What one pass proposed of the answer: what it kept, and what the next pass confirmed of it.

    Attributes:
        done: The pass.
        pieces: The text of each of its tokens.
    """

    done: PassDone
    pieces: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many tokens it has."""
        return len(self.pieces)

    @property
    def text(self) -> str:
        """Their text."""
        return "".join(self.pieces)


def blocks_of(passes: Iterable[PassDone]) -> list[Block]:
    """The answer in the blocks in which its tokens were proposed, in order, one a pass."""
    blocks: list[Block] = []
    for done in passes:
        pieces = pieces_of(done)
        if done.confirmed:
            last = blocks[-1]
            blocks[-1] = Block(last.done, last.pieces + pieces[: done.confirmed])
        blocks.append(Block(done, pieces[done.confirmed :]))
    return blocks


def pieces_of(done: PassDone) -> tuple[str, ...]:
    """The text of each token of a pass; spread evenly where a trace does not tell."""
    if len(done.pieces) == len(done.token_ids) and "".join(done.pieces) == done.text:
        return done.pieces
    count, length = max(len(done.token_ids), 1), len(done.text)
    cuts = [length * number // count for number in range(count + 1)]
    return tuple(done.text[start:end] for start, end in pairwise(cuts))


def answer_figures(passes: Iterable[PassDone]) -> AnswerFigures:
    """Figures of an answer, complete or still growing."""
    done: Sequence[PassDone] = tuple(passes)
    sizes = tuple(len(one.token_ids) for one in done)
    decode_seconds = sum(one.seconds for one in done[1:])
    return AnswerFigures(
        tokens=sum(sizes),
        passes=len(done),
        tokens_per_pass=sum(sizes) / len(done) if done else 0.0,
        tokens_per_second=sum(sizes[1:]) / decode_seconds if decode_seconds > 0 else 0.0,
        prefill_seconds=done[0].seconds if done else 0.0,
        decode_seconds=decode_seconds,
        block_sizes=sizes,
    )
