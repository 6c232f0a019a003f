"""What foreign files may cost, so that none of them takes the machine down."""

from __future__ import annotations

from dataclasses import dataclass

MOST_UNPACKED = 8 << 30
ALWAYS_ALLOWED = 64 << 20
RATIO = 200
"""Bytes an archive may unpack to for each of its own; text rarely goes beyond 20."""
MOST_MEMBERS = 100_000


@dataclass(frozen=True)
class Limits:
    """Limits of the reading process.

    Attributes:
        silent_seconds: It is ended when it has said nothing for this long.
        memory_bytes: Most memory it may take.
    """

    silent_seconds: float = 60.0
    memory_bytes: int = 2 << 30


def unpacked_allowance(packed: int) -> int:
    """Bytes that an archive of `packed` bytes may unpack to, all members together."""
    return min(MOST_UNPACKED, max(ALWAYS_ALLOWED, packed * RATIO))
