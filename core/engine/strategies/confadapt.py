"""ConfAdapt: keep the leading slots of which the model is sure (2602.06019, "ConfAdapt")."""

from __future__ import annotations

from core.engine.strategies.decision import Decision, Seen


class ConfAdapt:
    """Keeps the longest run of leading slots whose confidence reaches the threshold.

    At least one slot is kept. A threshold of 1.0 means one token a pass, by rule: rounding
    can bring a confidence to exactly 1.0.

    Args:
        count_from_slot: First slot whose confidence counts. 1 is the paper's rule. Under a
            gated adapter slot 1 is the base model's own token, kept whatever its confidence,
            so that a weak slot 1 need not end the run: there the run is counted from slot 2.
    """

    is_exact = False

    def __init__(self, count_from_slot: int = 1) -> None:
        self._uncounted = count_from_slot - 1

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """As many as there may be."""
        return 0 if threshold >= 1.0 else most

    def decide(self, seen: Seen) -> Decision:
        """The longest run of sure slots."""
        confidences = seen.slots.confidences
        kept = min(self._uncounted, len(confidences))
        while kept < len(confidences) and confidences[kept] >= seen.threshold:
            kept += 1
        return Decision(seen.slots, max(1, kept))
