"""How a recorded answer would have come out in blocks at another threshold: an estimate.

The text stays as it is; only where one pass ends and the next begins is walked anew, with the
proposals and confidences on record. Real passes would have started elsewhere and read other
mask rows, so the result is labelled "estimate" wherever it is shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from core.events import PassDone
from core.rule import CHECKED_FROM, USUAL_RULE, Rule

CAVEAT = "Real passes would begin elsewhere; answer again to know."
"""Said wherever an estimate is shown."""

ONE_TOKEN = 1.0
"""At this threshold every pass gives one token, by rule."""


def estimate(
    passes: Sequence[PassDone], threshold: float, rule: Rule = USUAL_RULE
) -> tuple[int, ...]:
    """Sizes of the blocks in which these tokens would have come, one a pass.

    At each position the latest recorded pass that covers it is taken; the block grows while
    that pass proposes the very tokens of the text with confidence enough to be kept or, behind
    those, to be checked. A pass that refuses what it checks brings one token.

    Args:
        passes: The recorded passes, in order.
        threshold: The confidence a slot must reach to be kept, 0..1.
        rule: ConfAdapt's; see `rule_of`.

    Returns:
        Block sizes, one a pass; they add up to the number of recorded tokens. The last is 0 where
        the answer ends with a token that was checked.
    """
    tokens = [token for one in passes for token in one.token_ids]
    starts = _starts(passes)
    sizes: list[int] = []
    position, kept, fell = 0, 0, False
    while position < len(tokens):
        size = kept = 1
        if fell or threshold >= ONE_TOKEN:
            fell = False
        else:
            covering = bisect_right(starts, position) - 1
            done, slot = passes[covering], position - starts[covering]
            reach = tokens[position : position + len(done.proposed_ids)]
            size = kept = _run(done, slot, reach, threshold, rule)
            # Where a sure slot is not the text's, the rest of the pass would have been another.
            if rule.checks and kept == _run(done, slot, done.proposed_ids[slot:], threshold, rule):
                size, fell = _checked(done, slot, reach, kept)
        sizes.append(size)
        position += size
    if sizes and sizes[-1] > kept:
        sizes.append(0)  # the pass that confirms the end
    return tuple(sizes)


def would_keep(
    passes: Sequence[PassDone], place: int, threshold: float, rule: Rule = USUAL_RULE
) -> int:
    """How many slots of one pass would have become tokens at another threshold.

    One that ended for another reason than its threshold (an end of the answer, a drawn token)
    would have ended there, too.
    """
    if threshold >= ONE_TOKEN:
        return 1
    done = passes[place]
    recorded, would = (
        _run(done, 0, done.proposed_ids, one, rule) for one in (done.threshold, threshold)
    )
    if done.kept < (1 if done.is_exact else recorded):  # of an exact one no threshold is known
        return min(would, done.kept)
    tokens = [token for one in passes[place:] for token in one.token_ids][done.confirmed :]
    is_as_recorded = tuple(tokens[:would]) == done.proposed_ids[:would]
    return _checked(done, 0, tokens, would)[0] if rule.checks and is_as_recorded else would


def _starts(passes: Sequence[PassDone]) -> list[int]:
    """How many tokens lie before slot 1 of each pass."""
    starts, total = [], 0
    for one in passes:
        starts.append(total + one.confirmed)
        total += len(one.token_ids)
    return starts


def _run(done: PassDone, slot: int, reach: Sequence[int], threshold: float, rule: Rule) -> int:
    """Length of the run of kept slots that begins at `slot` (from 0) of a pass; at least 1."""
    size = 0
    for proposed, confidence, token in zip(
        done.proposed_ids[slot:], done.confidences[slot:], reach, strict=False
    ):
        is_counted = size + 1 >= (rule.count_from_slot or 1)
        if proposed != token or (is_counted and confidence < threshold):
            break
        size += 1
    return max(size, 1)


def _checked(done: PassDone, slot: int, reach: Sequence[int], size: int) -> tuple[int, bool]:
    """A run with the slots behind it that a check would have confirmed, and whether one fell."""
    for proposed, confidence, token in zip(
        done.proposed_ids[slot + size :],
        done.confidences[slot + size :],
        reach[size:],
        strict=False,
    ):
        if confidence < CHECKED_FROM:
            break
        if proposed != token:
            return size, True
        size += 1
    return size, False


def rule_of(passes: Sequence[PassDone]) -> Rule:
    """ConfAdapt's rule in this recording, as far as it shows.

    A pass that ended at an unsure slot 1 although slot 2 was sure shows that slot 1 counts; one
    that left a likely slot unchecked, that nothing was checked (so it was before there were
    checks). The last pass shows nothing: the answer's end may have ended it.
    """
    first, checks = 2, True
    for one in passes[:-1]:
        if one.is_exact or one.threshold >= ONE_TOKEN or len(one.confidences) < 2:
            continue
        if one.kept == 1 and one.confidences[0] < one.threshold <= one.confidences[1]:
            first = 1
        behind = one.confidences[one.kept : one.kept + 1]
        if not one.provisional and behind and behind[0] >= CHECKED_FROM:
            checks = False
    return Rule(first, checks)
