"""The prompts of a bench: rows of a file, or the built-in ones.

A row has a `prompt`, perhaps a `family`, a `check` and a `reference`, the answer hoped for, and
the `turns` of the chat that the prompt ends.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from core.engine.request import Message, Role
from core.errors import KnownError
from core.evaluate.checks import Check, check_answer
from core.paths import resources


@dataclass(frozen=True, slots=True)
class BenchPrompt:
    """One prompt; `check` says which answers are right, if that can be said.

    Attributes:
        reference: The answer hoped for, where there is one.
        turns: The chat it ends, where it has more than this one turn.
    """

    prompt: str
    family: str | None = None
    check: Check | None = None
    reference: str | None = None
    turns: tuple[Message, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the model is asked."""
        return self.turns or (Message("user", self.prompt),)


@dataclass(frozen=True, slots=True)
class DemoPrompt:
    """A prompt to press, of `resources/prompts/demo.toml`, which says where they come from.

    Attributes:
        level: "easy", "middling" or "hard" for a model that guesses ahead.
    """

    title: str
    level: str
    prompt: str
    max_new_tokens: int


def demo_prompts() -> tuple[DemoPrompt, ...]:
    """The prompts that are offered to begin with, from easy to hard."""
    text = (resources() / "prompts" / "demo.toml").read_text(encoding="utf-8")
    return tuple(DemoPrompt(**one) for one in tomllib.loads(text)["prompts"])


def read_prompts(path: Path, most: int | None = None) -> tuple[BenchPrompt, ...]:
    """The prompts of a file, at most so many; empty lines are passed over.

    Raises:
        KnownError: if the file cannot be read or holds none, or naming the first bad line.
    """
    try:
        # Only a line feed ends a row: JSON text may hold other line separators as they are.
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise KnownError(f"The prompts in {path} cannot be read: {error}.") from error
    prompts: list[BenchPrompt] = []
    for number, line in enumerate(lines, start=1):
        if len(prompts) == most:
            break
        if not line.strip():
            continue
        try:
            prompts.append(_prompt(line))
        except (KnownError, ValueError) as error:
            raise KnownError(
                f"Line {number} of {path} is no prompt: {error}",
                'A row looks like {"prompt": "...", "family": "...", "check": {...}}.',
            ) from error
    if not prompts:
        raise KnownError(f"{path} holds no prompts.", "Write one JSON object a line.")
    return tuple(prompts)


def _prompt(line: str) -> BenchPrompt:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object.")
    prompt, family, check = row.get("prompt"), row.get("family"), row.get("check")
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError("`prompt` must be a text.")
    reference = row.get("reference")
    for name, value in (("family", family), ("reference", reference)):
        if value is not None and not isinstance(value, str):
            raise ValueError(f"`{name}` must be a text.")
    if check is not None:
        _try_check(check)
    return BenchPrompt(prompt, family, check, reference, _turns(row.get("turns") or [], prompt))


def _turns(value: Any, prompt: str) -> tuple[Message, ...]:
    """The turns of a row, checked."""
    try:
        turns = tuple(Message(**one) for one in value)
    except TypeError as error:
        raise ValueError("`turns` must be a list of `role` and `content`.") from error
    if any(one.role not in get_args(Role) or not isinstance(one.content, str) for one in turns):
        raise ValueError(f"a turn has a `role` ({', '.join(get_args(Role))}) and a text.")
    if turns and turns[-1].content != prompt:
        raise ValueError("its `turns` must end in its `prompt`.")
    return turns


def _try_check(check: object) -> None:
    """Judge an answer once now, rather than fail after hours of measuring."""
    if not isinstance(check, dict):
        raise ValueError("`check` must be a JSON object.")
    try:
        check_answer(check, "{}")
    except (TypeError, AttributeError) as error:
        raise ValueError(f"its check cannot be used: {error}.") from error


def prompts_to_jsonl(prompts: Iterable[BenchPrompt]) -> str:
    """The prompts as `read_prompts` reads them; what a prompt does not have is left out."""
    rows = [{name: one for name, one in asdict(row).items() if one} for row in prompts]
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def built_in_prompts(per_family: int, seed: int) -> tuple[BenchPrompt, ...]:
    """Held-out prompts of the built-in families; training never sees one of them."""
    from core.evaluate.tasks import CHECKABLE, OPEN, make_tasks

    return tuple(
        BenchPrompt(task.prompt, task.family, task.check)
        for family in (*CHECKABLE, *OPEN)
        for task in make_tasks(family, per_family, seed, "held_out")
    )


def some_built_in_prompts(count: int) -> tuple[BenchPrompt, ...]:
    """So many built-in prompts, as even over the families as can be."""
    from core.evaluate.tasks import CHECKABLE, OPEN

    families = len(CHECKABLE) + len(OPEN)
    each = -(-count // families)
    drawn = built_in_prompts(each, 0)
    return tuple(one for n in range(each) for one in drawn[n::each])[:count]
