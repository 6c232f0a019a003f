"""Prompts that show the form by worked examples."""

from __future__ import annotations

from collections.abc import Callable
from random import Random


def with_examples(rng: Random, example: Callable[[Random], tuple[str, str]]) -> tuple[str, str]:
    """A prompt of two worked examples and an open third one, and the answer it wants."""
    solved = [example(rng) for _ in range(2)]
    question, answer = example(rng)
    shown = "\n\n".join(f"{asked} {answered}" for asked, answered in solved)
    return f"{shown}\n\n{question}", answer
