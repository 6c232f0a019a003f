"""ConfAdapt: keep the leading slots of which the model is sure (2602.06019, "ConfAdapt").

The paper drops the slots behind them. Here those that are more likely right than wrong stay
provisional, and the next pass, which reads the block anew for the cache, checks them at the cost
of a row each (its outlook on self-speculative verification): more tokens a pass, and those
checked are the model's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.engine.strategies.decision import Decision, Seen
from core.rule import CHECKED_FROM, Rule


class ConfAdapt:
    """Keeps the longest run of leading slots whose confidence reaches the threshold.

    At least one slot is kept. A threshold of 1.0 means one token a pass, by rule: rounding
    can bring a confidence to exactly 1.0.

    What is kept and what is checked follows from the confidences alone, so that a prompt has the
    same answer on every run.

    Args:
        rule: Where the run begins (slot 1 if it does not say), and whether anything is checked.
    """

    is_exact = False

    def __init__(self, rule: Rule) -> None:
        self._uncounted = (rule.count_from_slot or 1) - 1
        self._checked_from = CHECKED_FROM if rule.checks else math.inf

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """As many as there may be."""
        return 0 if threshold >= 1.0 else most

    def decide(self, seen: Seen) -> Decision:
        """The longest run of sure slots, and the run of likely ones behind it."""
        confidences = seen.slots.confidences
        kept = min(self._uncounted, len(confidences))
        kept = max(1, _run(confidences, kept, seen.threshold))
        likely = _run(confidences, kept, self._checked_from)
        return Decision(seen.slots, kept, provisional=likely - kept)


def _run(confidences: Sequence[float], start: int, least: float) -> int:
    """Where the run of slots from `start` on ends whose confidence reaches the least."""
    while start < len(confidences) and confidences[start] >= least:
        start += 1
    return start
