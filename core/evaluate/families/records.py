"""JSON from a sentence, after two worked examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from core.evaluate.families.examples import with_examples
from core.evaluate.families.words import (
    ANIMALS,
    CITIES,
    COLOURS,
    FOODS,
    JOBS,
    NAMES,
    THINGS,
    Form,
)

FIELDS: dict[str, Callable[[Random], str | int]] = {
    "name": lambda rng: rng.choice(NAMES),
    "age": lambda rng: rng.randint(18, 80),
    "job": lambda rng: rng.choice(JOBS),
    "city": lambda rng: rng.choice(CITIES),
    "pet": lambda rng: rng.choice(ANIMALS),
    "food": lambda rng: rng.choice(FOODS),
    "item": lambda rng: rng.choice(THINGS),
    "colour": lambda rng: rng.choice(COLOURS),
    "quantity": lambda rng: rng.randint(2, 40),
    "price": lambda rng: rng.randint(3, 99),
    "buyer": lambda rng: rng.choice(NAMES),
}
SUBJECTS = (
    ("name", "age", "job", "city", "pet", "food"),
    ("item", "colour", "quantity", "price", "buyer", "city"),
)


def record(rng: Random) -> tuple[str, dict[str, Any]]:
    """Four or five fields of a person or an order."""
    fields = rng.sample(rng.choice(SUBJECTS), rng.randint(4, 5))

    def example(rng: Random) -> tuple[str, str]:
        values = {field: FIELDS[field](rng) for field in fields}
        told = [f"the {field} is {value}" for field, value in values.items()]
        text = f"{', '.join(told[:-1])} and {told[-1]}."
        return f"Sentence: {text[0].upper()}{text[1:]}\nJSON:", json.dumps(values)

    prompt, answer = with_examples(rng, example)
    return prompt, {"kind": "json", "value": json.loads(answer)}


FORMS: tuple[Form, ...] = (record,)
