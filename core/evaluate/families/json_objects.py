"""JSON from a sentence, with a started answer.

Dropped, because the base model does not do it: naming the keys alone, and nested objects.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

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

Fact = tuple[str, dict[str, Any]]
"""A sentence and the object it says."""


def started(rng: Random) -> tuple[str, dict[str, Any]]:
    """The started answer is the whole object."""
    said, value = rng.choice(FACTS)(rng)
    prompt = f"Write this as JSON: {said}\nStart like this:\n{json.dumps(value, indent=2)}"
    return prompt, {"kind": "json", "value": value}


def first_field(rng: Random) -> tuple[str, dict[str, Any]]:
    """The started answer is the first field."""
    said, value = rng.choice((_thing, _stock))(rng)
    *keys, last = value
    prompt = (
        f"{said}\nWrite a JSON object with {', '.join(keys)} and {last}. Start like this:\n"
        f'{{\n  "{keys[0]}": {json.dumps(value[keys[0]])},'
    )
    return prompt, {"kind": "json", "value": value}


def _person(rng: Random) -> Fact:
    name, age, city = rng.choice(NAMES), rng.randint(18, 80), rng.choice(CITIES)
    value = {"name": name, "age": age, "city": city}
    return f"{name} is {age} years old and lives in {city}.", value


def _worker(rng: Random) -> Fact:
    name, job, city = rng.choice(NAMES), rng.choice(JOBS), rng.choice(CITIES)
    age = rng.randint(20, 65)
    value = {"name": name, "age": age, "job": job, "city": city}
    return f"{name} is {age} years old, is a {job} and works in {city}.", value


def _thing(rng: Random) -> Fact:
    thing, colour, price = rng.choice(THINGS), rng.choice(COLOURS), rng.randint(3, 400)
    value = {"item": thing, "colour": colour, "price": price}
    return f"The {colour} {thing} costs {price} dollars.", value


def _stock(rng: Random) -> Fact:
    thing, colour = rng.choice(THINGS), rng.choice(COLOURS)
    price, count = rng.randint(3, 400), rng.randint(2, 90)
    value = {"item": thing, "colour": colour, "price": price, "count": count}
    return f"The {colour} {thing} costs {price} dollars and there are {count} of them.", value


def _order(rng: Random) -> Fact:
    name, count, food = rng.choice(NAMES), rng.randint(2, 60), rng.choice(FOODS)
    value = {"name": name, "food": food, "count": count, "city": rng.choice(CITIES)}
    return f"{name} buys {count} boxes of {food} in {value['city']}.", value


def _pet(rng: Random) -> Fact:
    name, animal, age = rng.choice(NAMES), rng.choice(ANIMALS), rng.randint(2, 15)
    value = {"name": name, "animal": animal, "age": age, "colour": rng.choice(COLOURS)}
    return f"{name} is a {value['colour']} {animal} and is {age} years old.", value


FACTS: tuple[Callable[[Random], Fact], ...] = (_person, _worker, _thing, _stock, _order, _pet)
FORMS: tuple[Form, ...] = (started, first_field)
