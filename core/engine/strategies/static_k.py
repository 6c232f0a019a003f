"""Always k_max tokens a pass, however sure the model is."""

from __future__ import annotations

from core.engine.strategies.decision import Decision, Seen


class StaticK:
    """Asks for k_max slots and keeps them all."""

    is_exact = False

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """As many as there may be."""
        return most

    def decide(self, seen: Seen) -> Decision:
        """All slots."""
        return Decision(seen.slots, kept=len(seen.slots.ids))
