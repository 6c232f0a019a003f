"""Always k_max tokens a pass, however sure the model is."""

from __future__ import annotations

from collections.abc import Sequence


class StaticK:
    """Asks for k_max slots and keeps them all."""

    def slots(self, k_max: int, threshold: float) -> int:  # noqa: ARG002
        """How many slots a pass should propose."""
        return k_max

    def kept(self, confidences: Sequence[float], threshold: float) -> int:  # noqa: ARG002
        """How many leading slots become final."""
        return len(confidences)
