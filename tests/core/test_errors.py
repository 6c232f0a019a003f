"""A known error reads as a sentence and a next step."""

from __future__ import annotations

from core.errors import KnownError


def test_it_reads_as_sentence_and_next_step() -> None:
    assert str(KnownError("The disk is full.", "Free some space.")) == (
        "The disk is full. Free some space."
    )
    assert str(KnownError("The disk is full.")) == "The disk is full."
