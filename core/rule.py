"""ConfAdapt's rule for the slots of a pass (2602.06019, "ConfAdapt"; the checks are ours)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CHECKED_FROM = 0.5
"""Least confidence of a slot that ConfAdapt has checked. One that falls makes the mask rows of
the checking pass void, which would have brought about one token more: so from even odds on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What ConfAdapt does with the slots of a pass; the paper's rule is `Rule(1, checks=False)`.

    Attributes:
        count_from_slot: First slot whose confidence counts, 1 or 2; None takes 2 where slot 1 is
            the base model's own token (a gated adapter), which is right to keep however unsure
            it is, else 1.
        checks: Whether the next pass checks the slots behind the sure ones that reach
            `CHECKED_FROM`; the paper drops them.
    """

    count_from_slot: int | None = None
    checks: bool = True

    def kept(self, confidences: Sequence[float], threshold: float) -> int:
        """How many leading slots of a pass are kept, at least 1."""
        uncounted = min((self.count_from_slot or 1) - 1, len(confidences))
        return max(1, _run(confidences, uncounted, threshold))

    def checked_to(self, confidences: Sequence[float], kept: int) -> int:
        """Where the slots end that are checked behind so many kept ones."""
        return _run(confidences, kept, CHECKED_FROM) if self.checks else kept


def _run(confidences: Sequence[float], start: int, least: float) -> int:
    """Where the run of slots from `start` on ends whose confidence reaches the least."""
    while start < len(confidences) and confidences[start] >= least:
        start += 1
    return start


USUAL_RULE = Rule()
