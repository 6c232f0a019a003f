"""Which part of a row is whose: chats, pairs and texts told by the names of their fields.

Known shapes, the first that fits counts: `messages` (role, content), `conversations` (ShareGPT:
from, value), `prompt` with `response`, `question` with `answer`, `instruction` with `input` and
`output` (Alpaca), `text`. A prompt may lack its answer: the model gives one. Nothing is guessed
beyond that: other names need a `ColumnMap`, which goes before the known ones where it fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.documents.records import ColumnMap, Row, Unreadable, told_name
from core.engine.request import Message, Role

PAIRS = (("prompt", "response"), ("question", "answer"), ("instruction", "output"))
KNOWN = ("messages", "conversations", *(asked for asked, _ in PAIRS), "text")
USED = {*KNOWN, *(answer for _, answer in PAIRS), "input", "family", "complete"}
ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}
SHAPES = '"messages", "conversations", "prompt", "question", "instruction" or "text"'


def check_columns(columns: Iterable[object], chosen: ColumnMap | None) -> None:
    """Refuse a table before its rows are read.

    Raises:
        Unreadable: if neither the chosen columns are there nor a known one.
    """
    names = tuple(str(one) for one in columns)
    if is_mapped(names, chosen) or any(_plain(name) in KNOWN for name in names):
        return
    if chosen:
        raise Unreadable(f"there is no column {', '.join(chosen.missing(names))}", names)
    raise Unreadable(f"no column is {SHAPES}: choose the columns", names)


def is_mapped(columns: Iterable[object], chosen: ColumnMap | None) -> bool:
    """Whether the chosen columns are there, so that rows are made of these."""
    return chosen is not None and not chosen.missing(columns)


def used_columns(columns: Sequence[str], chosen: ColumnMap | None) -> list[str]:
    """The columns that rows are made of."""
    if chosen and is_mapped(columns, chosen):
        return [name for name in columns if told_name(name) in chosen.names]
    return [name for name in columns if _plain(name) in USED]


def to_row(data: object, chosen: ColumnMap | None = None) -> Row:
    """The row of an object's fields.

    Raises:
        Unreadable: saying what is wrong with it.
    """
    if not isinstance(data, Mapping):
        raise Unreadable("it is no object with named fields")
    if chosen and is_mapped(data, chosen):
        return _chosen_row({told_name(str(name)): value for name, value in data.items()}, chosen)
    check_columns(data, chosen)
    return _known_row({_plain(str(name)): value for name, value in data.items()})


def _chosen_row(data: dict[str, Any], chosen: ColumnMap) -> Row:
    """The row of fields by their told names."""
    if chosen.text:
        return Row(text=_text(data[chosen.text]))
    # A column without a name, as of a table with an index, is nobody's response.
    return _pair(data[chosen.prompt], data[chosen.response] if chosen.response else None)


def _known_row(data: dict[str, Any]) -> Row:
    """The row of fields whose names are plain: small letters, no space around."""
    family, complete = str(data.get("family") or ""), data.get("complete") is not False
    return replace(_shaped_row(data), family=family, complete=complete)


def _shaped_row(data: dict[str, Any]) -> Row:
    if data.get("messages") is not None:
        return Row(_turns(data["messages"], "role", "content"))
    if data.get("conversations") is not None:
        return Row(_turns(data["conversations"], "from", "value"))
    for asked, answer in PAIRS:
        if asked in data:
            context = data.get("input") if asked == "instruction" else ""
            return _pair(data[asked], data.get(answer), context)
    return Row(text=_text(data.get("text")))


def _pair(prompt: object, response: object, context: object = "") -> Row:
    asked = f"{_text(prompt)}\n\n{_text(context)}" if _has(context) else _text(prompt)
    answered = (Message("assistant", _text(response)),) if _has(response) else ()
    return Row((Message("user", asked), *answered))


def _turns(turns: object, role: str, content: str) -> tuple[Message, ...]:
    if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
        raise Unreadable("its turns are no list of objects")
    made = tuple(Message(_role(turn.get(role)), _text(turn.get(content))) for turn in turns)
    if not any(turn.role == "user" for turn in made):
        raise Unreadable("it has no turn of a user")
    return made


def _role(name: object) -> Role:
    if not isinstance(name, str) or name not in ROLES:
        raise Unreadable(f"a turn is by {str(name)[:40]!r}, who is neither user nor assistant")
    return ROLES[name]


def _has(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unreadable(f"{str(value)[:40]!r} is no text")
    # Half a surrogate pair, as a JSON escape can hold it, could never be written as UTF-8.
    return value.encode("utf-8", "replace").decode("utf-8")


def _plain(name: str) -> str:
    return name.strip().casefold()
