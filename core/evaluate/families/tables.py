"""Markdown table rows that the prompt starts; further rows after the wanted ones are free."""

from __future__ import annotations

from random import Random
from typing import Any

from core.evaluate.families.words import (
    ANIMALS,
    CITIES,
    FOODS,
    JOBS,
    NAMES,
    THINGS,
    Form,
)

COLUMNS = {
    "Animal": ANIMALS,
    "Food": FOODS,
    "Item": THINGS,
    "Job": JOBS,
    "Name": NAMES,
}


def started(rng: Random) -> tuple[str, dict[str, Any]]:
    """Two columns, their rows started."""
    column = rng.choice(list(COLUMNS))
    words = rng.sample(COLUMNS[column], rng.randint(3, 4))
    rows = [[word, str(rng.randint(2, 60))] for word in words]
    header = [column, "Count"]
    shown = "\n".join(_row(cells) for cells in (header, ["---", "---"], *rows))
    prompt = f"Write a markdown table. Start like this:\n{shown}"
    return prompt, {"kind": "table", "header": header, "rows": rows}


def people(rng: Random) -> tuple[str, dict[str, Any]]:
    """Names, ages and cities from given data."""
    names = rng.sample(NAMES, rng.randint(3, 4))
    rows = [[name, str(rng.randint(18, 80)), rng.choice(CITIES)] for name in names]
    data = "; ".join(", ".join(row) for row in rows)
    prompt = f"Write a markdown table with the columns Name, Age and City for these people: {data}."
    return prompt, {"kind": "table", "header": ["Name", "Age", "City"], "rows": rows}


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


FORMS: tuple[Form, ...] = (started, people)
