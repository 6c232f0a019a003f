"""One token a pass: ordinary decoding."""

from __future__ import annotations

from collections.abc import Sequence


class NextToken:
    """Asks for slot 1 and keeps it."""

    def slots(self, k_max: int, threshold: float) -> int:  # noqa: ARG002
        """How many slots a pass should propose."""
        return 1

    def kept(self, confidences: Sequence[float], threshold: float) -> int:  # noqa: ARG002
        """How many leading slots become final."""
        return 1
