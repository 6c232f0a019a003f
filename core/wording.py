"""Numbers of things, as a sentence has them."""

from __future__ import annotations


def many(count: int, thing: str, plural: str = "") -> str:
    """So many things: "1 row", "2,000 rows"; `plural` where that is not the thing and an s."""
    return f"{count:,} {thing if count == 1 else plural or thing + 's'}"
