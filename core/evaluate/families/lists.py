"""Numbered lists: given entries to write down, or entries of a kind to find."""

from __future__ import annotations

from random import Random
from typing import Any

from core.evaluate.families.words import (
    ANIMALS,
    COLOURS,
    FOODS,
    NAMES,
    TASKS,
    THINGS,
    Form,
)

KINDS = (ANIMALS, FOODS, THINGS, COLOURS)  # of jobs the base model writes down none rightly


def written(rng: Random) -> tuple[str, dict[str, Any]]:
    """Entries of one kind, to be written down."""
    words = rng.sample(rng.choice(KINDS), rng.randint(5, 7))
    return _prompt("Write a list.", words)


def for_somebody(rng: Random) -> tuple[str, dict[str, Any]]:
    """Somebody's tasks, to be written down."""
    return _prompt(f"Write a list for {rng.choice(NAMES)}.", rng.sample(TASKS, rng.randint(4, 5)))


def _prompt(wish: str, entries: list[str]) -> tuple[str, dict[str, Any]]:
    lines = [f"{number}. {entry}" for number, entry in enumerate(entries, start=1)]
    shown = "\n".join(lines)
    return f"{wish} Start like this:\n{shown}", {"kind": "lines", "lines": lines}


FORMS: tuple[Form, ...] = (written, written, written, for_somebody)
