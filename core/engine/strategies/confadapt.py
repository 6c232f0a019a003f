"""ConfAdapt: keep the leading slots of which the model is sure (2602.06019, "ConfAdapt").

The paper drops the slots behind them. Here those that are more likely right than wrong stay
provisional, and the next pass, which reads the block anew for the cache, checks them at the cost
of a row each (its outlook on self-speculative verification): more tokens a pass, and those
checked are the model's own.
"""

from __future__ import annotations

from core.engine.strategies.decision import Decision, Seen
from core.rule import Rule


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
        self._rule = rule

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """As many as there may be."""
        return 0 if threshold >= 1.0 else most

    def decide(self, seen: Seen) -> Decision:
        """The longest run of sure slots, and the run of likely ones behind it."""
        confidences = seen.slots.confidences
        kept = self._rule.kept(confidences, seen.threshold)
        checked_to = self._rule.checked_to(confidences, kept)
        return Decision(seen.slots, kept, provisional=checked_to - kept)
