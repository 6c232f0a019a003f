"""ConfAdapt's rule for the slots of a pass (2602.06019, "ConfAdapt"; the checks are ours)."""

from __future__ import annotations

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


USUAL_RULE = Rule()
