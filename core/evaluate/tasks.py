"""Prompts in families, some with a check: what the starter is trained and measured on.

The base model (135 M parameters) fails many plain forms, so the checkable families are worded
until it answers at least 60 % rightly: the started answer ("Start like this") and two worked
examples help most. Dropped on the way, each under a third right: repeating a word or sentence
N times by example, counting down or by example, lists from items in one line, bulleted lists,
CSV, HTML and single table rows, Python dictionaries and classes from a sentence.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from core.errors import KnownError
from core.evaluate.families import (
    code,
    counting,
    json_objects,
    lists,
    open_ended,
    records,
    repeating,
    tables,
)
from core.evaluate.families.words import Form

Split = Literal["train", "held_out"]

_CHECKABLE: dict[str, tuple[Form, ...]] = {
    "counting": counting.FORMS,
    "repeating": repeating.FORMS,
    "json": (*json_objects.FORMS, *records.FORMS),
    "tables": tables.FORMS,
    "code": code.FORMS,
    "lists": lists.FORMS,
}
_OPEN: dict[str, tuple[Form, ...]] = {
    "letters": open_ended.LETTERS,
    "explanations": open_ended.EXPLANATIONS,
    "chat": open_ended.CHAT,
}
CHECKABLE = tuple(_CHECKABLE)
OPEN = tuple(_OPEN)
_FORMS = {**_CHECKABLE, **_OPEN}
_DRAWS_A_TASK = 200


@dataclass(frozen=True)
class Task:
    """One prompt; `check` (see `checks.py`) is None for open-ended families."""

    prompt: str
    family: str
    check: dict[str, Any] | None


def make_tasks(family: str, count: int, seed: int, split: Split) -> list[Task]:
    """Different prompts of a family; the two splits never share one, whatever the seeds.

    Raises:
        ValueError: if the family is unknown.
        KnownError: if it has fewer different prompts.
    """
    if family not in _FORMS:
        raise ValueError(f"no family {family}; there are {', '.join(_FORMS)}")
    if count < 1:
        raise KnownError(f"A family cannot give {count} prompts.", "Ask for at least 1.")
    rng = Random(f"{family} {seed} {split}")
    found: dict[str, Task] = {}
    for _ in range(count * _DRAWS_A_TASK):
        if len(found) == count:
            return list(found.values())
        prompt, check = rng.choice(_FORMS[family])(rng)
        if split_of(prompt) == split:
            found.setdefault(prompt, Task(prompt, family, check))
    raise KnownError(
        f"The family {family} has fewer than {count} different prompts.", "Ask for fewer."
    )


def split_of(prompt: str) -> Split:
    """The split a prompt belongs to, by its hash: one in five is held out."""
    return "held_out" if hashlib.sha256(prompt.encode()).digest()[0] % 5 == 0 else "train"


def tasks_to_jsonl(tasks: Iterable[Task]) -> str:
    """One JSON object a line, as `stride bench --prompts` reads them."""
    lines = (json.dumps(dataclasses.asdict(task), ensure_ascii=False) for task in tasks)
    return "".join(f"{line}\n" for line in lines)
