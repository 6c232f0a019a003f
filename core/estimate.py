"""How a recorded answer would have come out in blocks at another threshold: an estimate.

The text stays as it is; only where one pass ends and the next begins is walked anew, with the
proposals and confidences on record. Real passes would have started elsewhere and read other
mask rows, so the result is labelled "estimate" wherever it is shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from core.events import PassDone

CAVEAT = "Real passes would begin elsewhere; answer again to know."
"""Said wherever an estimate is shown."""

ONE_TOKEN = 1.0
"""At this threshold every pass gives one token, by rule."""


def estimate(
    passes: Sequence[PassDone], threshold: float, count_from_slot: int = 1
) -> tuple[int, ...]:
    """Sizes of the blocks in which these tokens would have come.

    At each position the latest recorded pass that covers it is taken; the block grows while
    that pass proposes the very tokens of the text with confidence enough.

    Args:
        passes: The recorded passes, in order.
        threshold: The confidence a slot must reach, 0..1.
        count_from_slot: First slot whose confidence counts; 2 where slot 1 is the base
            model's own token.

    Returns:
        Block sizes; they add up to the number of recorded tokens.
    """
    tokens = [token for one in passes for token in one.token_ids]
    starts = _starts(passes)
    sizes: list[int] = []
    position = 0
    while position < len(tokens):
        covering = bisect_right(starts, position) - 1
        slot = position - starts[covering]
        size = 1
        if threshold < ONE_TOKEN:
            reach = tokens[position : position + len(passes[covering].proposed_ids)]
            size = _run(passes[covering], slot, reach, threshold, count_from_slot)
        sizes.append(size)
        position += size
    return tuple(sizes)


def would_keep(done: PassDone, threshold: float, count_from_slot: int = 1) -> int:
    """How many of its own slots this very pass would have kept at another threshold.

    One that ended for another reason than its threshold (an end of the answer, a drawn token)
    would have ended there, too.
    """
    if threshold >= ONE_TOKEN:
        return 1
    recorded, would = (
        _run(done, 0, done.proposed_ids, one, count_from_slot)
        for one in (done.threshold, threshold)
    )
    own = len(done.token_ids) - done.confirmed
    return min(would, own) if own < recorded else would


def _starts(passes: Sequence[PassDone]) -> list[int]:
    """How many tokens lie before slot 1 of each pass."""
    starts, total = [], 0
    for one in passes:
        starts.append(total + one.confirmed)
        total += len(one.token_ids)
    return starts


def _run(
    done: PassDone, slot: int, reach: Sequence[int], threshold: float, count_from_slot: int
) -> int:
    """Length of the block that begins at `slot` (from 0) of a pass; at least 1."""
    size = 0
    for proposed, confidence, token in zip(
        done.proposed_ids[slot:], done.confidences[slot:], reach, strict=False
    ):
        is_counted = size + 1 >= count_from_slot
        if proposed != token or (is_counted and confidence < threshold):
            break
        size += 1
    return max(size, 1)


def counted_from(passes: Sequence[PassDone]) -> int:
    """First slot whose confidence counted in this recording: 1 or 2.

    A pass that ended at an unsure slot 1 although slot 2 was sure shows that slot 1 counts.
    """
    for one in passes:
        is_confadapt = not one.is_exact and one.threshold < ONE_TOKEN and len(one.confidences) > 1
        if is_confadapt and len(one.token_ids) == 1:
            first, second = one.confidences[:2]
            if first < one.threshold <= second:
                return 1
    return 2
