"""How a recorded answer would have come out in blocks at another threshold: an estimate.

The text stays as it is; only where one pass ends and the next begins is walked anew, with the
proposals and confidences on record. Real passes would have started elsewhere and read other
mask rows, so the result is labelled "estimate" wherever it is shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import takewhile

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
            size, kept, fell = _block(done, slot, reach, threshold, rule)
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
    recorded, would = (rule.kept(done.confidences, one) for one in (done.threshold, threshold))
    if done.kept < (1 if done.is_exact else recorded):  # of an exact one no threshold is known
        return min(would, done.kept)
    tokens = [token for one in passes[place:] for token in one.token_ids][done.confirmed :]
    return max(would, _block(done, 0, tokens, threshold, rule)[0])


def _starts(passes: Sequence[PassDone]) -> list[int]:
    """How many tokens lie before slot 1 of each pass."""
    starts, total = [], 0
    for one in passes:
        starts.append(total + one.confirmed)
        total += len(one.token_ids)
    return starts


def _block(
    done: PassDone, slot: int, tokens: Sequence[int], threshold: float, rule: Rule
) -> tuple[int, int, bool]:
    """The block that begins at `slot` (from 0) of a pass, where these tokens follow.

    Returns:
        Its size, how many of them are kept unchecked, and whether a check refuses the next slot.
    """
    proposed, confidences = done.proposed_ids[slot:], done.confidences[slot:]
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(proposed, tokens, strict=False))
    right = max(1, len(list(pairs)))
    kept = rule.kept(confidences, threshold)
    if kept > right:  # a sure slot is not the text's: what is behind would have been another
        return right, right, False
    checked_to = rule.checked_to(confidences, kept)
    size = min(checked_to, right)
    return size, kept, size < min(checked_to, len(tokens))


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
