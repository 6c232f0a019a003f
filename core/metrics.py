"""Figures of one answer, from its pass events alone: chat, charts, command line agree.

Definitions: tokens per pass is all tokens over all passes; tokens a second counts the
tokens after the first pass over their time (the first pass holds the prefill).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
