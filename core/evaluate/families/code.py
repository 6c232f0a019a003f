"""Short Python functions; the check asks for code that parses, nothing more."""

from __future__ import annotations

from random import Random
from typing import Any

from core.evaluate.families.words import ANIMALS, THINGS, Form

DEEDS = (
    "adds two numbers", "multiplies two numbers", "subtracts two numbers",
    "divides two numbers", "adds three numbers", "returns the larger of two numbers",
    "returns the smaller of two numbers", "squares a number", "returns the length of a string",
    "reverses a string", "checks if a number is even", "sums a list of numbers",
    "returns the average of a list of numbers", "converts Celsius to Fahrenheit",
    "returns the area of a rectangle", "returns the area of a circle",
)  # fmt: skip


def function(rng: Random) -> tuple[str, dict[str, Any]]:
    """A function by its purpose and name."""
    name = f"{rng.choice(ANIMALS)}_{rng.choice(THINGS)}"
    prompt = f"Write a Python function that {rng.choice(DEEDS)}. Call it {name}."
    return prompt, {"kind": "python", "names": []}


FORMS: tuple[Form, ...] = (function,)
