"""Counting: rows of numbers to write down, and rows to go on with.

The base model seldom stops at a last number it was told, so rows without a near end are
checked as far as they go.
"""

from __future__ import annotations

from random import Random
from typing import Any

from core.evaluate.families.words import Form

STEPS = (1, 1, 1, 2, 5, 10)
FAR_STEPS = (1, 1, 1, 2, 5)  # in tens the base model stops where the started answer does


def written(rng: Random) -> tuple[str, dict[str, Any]]:
    """A row of numbers, to be written down."""
    numbers = _row(rng, rng.randint(8, 12), STEPS)
    wish = rng.choice((
        "Write the numbers.",
        f"Write the numbers from {numbers[0]} to {numbers[-1]}.",
    ))  # fmt: skip
    shown = ", ".join(map(str, numbers))
    return f"{wish} Start like this:\n{shown}", {"kind": "numbers", "values": numbers}


def going_on(rng: Random) -> tuple[str, dict[str, Any]]:
    """A started row with a far end."""
    numbers = _row(rng, 5, FAR_STEPS)
    step = numbers[1] - numbers[0]
    steps = "" if step == 1 else f" in steps of {step}"
    started = ", ".join(map(str, numbers[: rng.randint(3, 5)]))
    end = rng.choice((200, 300, 500, 1000))
    prompt = (
        f"Write the numbers from {numbers[0]} to {end}{steps}, separated by commas. "
        f"Start like this: {started},"
    )
    return prompt, {"kind": "counting", "start": numbers[0], "step": step, "least": 12}


def _row(rng: Random, count: int, steps: tuple[int, ...]) -> list[int]:
    step = rng.choice(steps)
    first = step * rng.randint(1, 60 if step == 1 else 12)
    return [first + step * n for n in range(count)]


FORMS: tuple[Form, ...] = (written, going_on)
