"""One token a pass: ordinary decoding."""

from __future__ import annotations

from core.engine.strategies.decision import Decision, Seen


class NextToken:
    """Asks for slot 1 and keeps it."""

    is_exact = True

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """None: slot 1 needs no mask row."""
        return 0

    def decide(self, seen: Seen) -> Decision:
        """Slot 1."""
        return Decision(seen.slots)
