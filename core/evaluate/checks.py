"""Whether an answer is right: checks are plain dicts, so that they travel in JSON lines.

Kinds: `equals` (`answers`), `numbers` (`values`), `counting` (`start`, `step`, `least` numbers),
`lines` (`lines`), `json` (`value`), `table` (`header`, `rows`) and `python` (`names` that the
code must define). They judge content: white space, code fences and a full stop at the end never
decide.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable
from typing import Any

from core.errors import KnownError

Check = dict[str, Any]

_FENCE = re.compile(r"```[\w+-]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
_RULE_CELL = re.compile(r":?-+:?")


def check_answer(check: Check, text: str) -> bool:
    """Whether a text passes a check.

    Raises:
        KnownError: if the check is of no known kind or lacks its fields.
    """
    judge = _JUDGES.get(str(check.get("kind")))
    if judge is None:
        raise KnownError(
            f"The check kind {check.get('kind')!r} is not known.",
            f"Use one of {', '.join(_JUDGES)}.",
        )
    try:
        return judge(check, text)
    except KeyError as error:
        raise KnownError(f"A check of kind {check['kind']} lacks the field {error}.") from error


def without_fence(text: str) -> str:
    """The inside of the first code fence, or the text itself where there is none.

    A single fence behind some text closes code that began without one: small models write that.
    """
    head, lone, tail = text.partition("\n```")
    if lone and "```" not in head + tail and tail[:1] in ("", "\n"):
        return head
    fenced = _FENCE.search(text)
    return fenced.group(1) if fenced else text


def _equals(check: Check, text: str) -> bool:
    return _flat(text) in {_flat(answer) for answer in check["answers"]}


def _flat(text: str) -> str:
    return " ".join(without_fence(text).split()).rstrip(".,;")


def _numbers(check: Check, text: str) -> bool:
    return bool(_integers(text) == check["values"])


def _counting(check: Check, text: str) -> bool:
    """Whether every number follows from the one before; the last may be cut by a limit."""
    found = _integers(text)[:-1]
    start, step, least = int(check["start"]), int(check["step"]), int(check["least"])
    return len(found) >= least and found == [start + step * n for n in range(len(found))]


def _integers(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", text)]


def _lines(check: Check, text: str) -> bool:
    found = [" ".join(line.split()).casefold() for line in without_fence(text).splitlines()]
    return [line for line in found if line] == [line.casefold() for line in check["lines"]]


def _json(check: Check, text: str) -> bool:
    body = without_fence(text)
    start = re.search(r"[\[{]", body)
    if start is None:
        return False
    try:
        value, _ = json.JSONDecoder().raw_decode(body, start.start())
    except (json.JSONDecodeError, RecursionError):
        return False
    return bool(_leaves_as_text(value) == _leaves_as_text(check["value"]))


def _leaves_as_text(value: Any) -> Any:
    """The value with its leaves as text: 31 and "31" say the same."""
    if isinstance(value, dict):
        return {key: _leaves_as_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_leaves_as_text(one) for one in value]
    return str(value).casefold()


def _table(check: Check, text: str) -> bool:
    rows = [_cells(line) for line in without_fence(text).splitlines() if "|" in line]
    rows = [row for row in rows if not all(_RULE_CELL.fullmatch(cell) for cell in row)]
    if rows[:1] == [check["header"]]:
        rows = rows[1:]
    return bool(rows[: len(check["rows"])] == check["rows"])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _python(check: Check, text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(without_fence(text).strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    # Prose of one word parses too: code is what defines something.
    defined = {_defined_name(node) for node in ast.walk(tree)} - {None}
    return set(check["names"]) <= defined and bool(defined)


def _defined_name(node: ast.AST) -> str | None:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case _:
            return None


_JUDGES: dict[str, Callable[[Check, str], bool]] = {
    "equals": _equals,
    "numbers": _numbers,
    "counting": _counting,
    "lines": _lines,
    "json": _json,
    "table": _table,
    "python": _python,
}
