"""Which part of a row is whose: chats, pairs and texts told by the names of their fields.

Known shapes, the first that fits counts:

- `messages` or `conversations`: turns with `role` and `content`, or `from` and `value` (ShareGPT).
- `prompt`, `question` or `instruction` with its answer: `response`, `answer`, `answers` (a list, as
  of SQuAD, whose first text counts), `output`, `completion`, or `chosen`, beside which `rejected`
  is left. `input` (Alpaca) and `context` (Dolly) go below the prompt.
- `text`, whatever stands beside it.

`system` or `system_prompt` beside turns or a pair goes before them. A prompt may lack its answer:
the model gives one. Nothing is guessed beyond that: where another column may hold the answer, and
for all other names, a `ColumnMap` is needed, which goes before the known ones where it fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from core.documents.records import ColumnMap, Row, Unreadable, told_name
from core.engine.request import Message, Role

CHATS = ("messages", "conversations")
PROMPTS = ("prompt", "question", "instruction")
ANSWERS = ("response", "answer", "answers", "output", "completion", "chosen")
# Those that belong together go first: some tables have a whole template as their `prompt`.
PAIRS = (
    ("prompt", "response"),
    ("question", "answer"),
    ("instruction", "output"),
    *product(PROMPTS, ANSWERS),
)
CONTEXTS, SYSTEMS = ("input", "context"), ("system", "system_prompt")
KNOWN = (*CHATS, *PROMPTS, "text")
USED = {*KNOWN, *ANSWERS, *CONTEXTS, *SYSTEMS, "family", "complete"}
BENCH = ("id", "category", "source", "family", "check", "reference")
NO_ANSWERS = {*PROMPTS, *CONTEXTS, *SYSTEMS, *BENCH}
"""Columns that may hold several words and are no answer to a prompt."""
ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
}
SHAPES = '"messages", "conversations", "prompt", "question", "instruction" or "text"'


def check_columns(columns: Iterable[object], chosen: ColumnMap | None) -> None:
    """Refuse a table before its rows are read.

    Raises:
        Unreadable: if neither the chosen columns are there nor a known one.
    """
    names = tuple(str(one) for one in columns)
    if has_row(names, chosen):
        return
    if chosen:
        raise Unreadable(f"there is no column {', '.join(chosen.missing(names))}", names)
    raise Unreadable(f"no column is {SHAPES}: choose the columns", names)


def has_row(columns: Sequence[str], chosen: ColumnMap | None) -> bool:
    """Whether columns may be a row's: the chosen ones are there, or a known one."""
    return is_mapped(columns, chosen) or any(plain_name(name) in KNOWN for name in columns)


def is_mapped(columns: Iterable[object], chosen: ColumnMap | None) -> bool:
    """Whether the chosen columns are there, so that rows are made of these."""
    return chosen is not None and not chosen.missing(columns)


def used_columns(columns: Sequence[str], chosen: ColumnMap | None) -> list[str]:
    """The columns that rows are made of, or all where the answer may be in any of them."""
    if chosen and is_mapped(columns, chosen):
        return [name for name in columns if told_name(name) in chosen.names]
    plain = {plain_name(name) for name in columns}
    if _lacks_answer(plain):
        return list(columns)
    return [name for name in columns if plain_name(name) in USED]


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
    fields = {plain_name(str(name)): value for name, value in reversed([*data.items()])}
    if _lacks_answer(fields) and (perhaps := _several_words(data)):
        raise Unreadable(f'perhaps "{perhaps}" holds the answer: choose the columns', data)
    return _known_row(fields)


def _chosen_row(data: dict[str, Any], chosen: ColumnMap) -> Row:
    """The row of fields by their told names."""
    if chosen.text:
        return Row(text=_text(data[chosen.text], "the text"))
    # A column without a name, as of a table with an index, is nobody's response.
    return _pair(data[chosen.prompt], data[chosen.response] if chosen.response else None)


def _known_row(data: dict[str, Any]) -> Row:
    """The row of fields whose names are plain: small letters, no space around."""
    family, complete = str(data.get("family") or ""), data.get("complete") is not False
    return replace(_shaped_row(data), family=family, complete=complete)


def _shaped_row(data: dict[str, Any]) -> Row:
    system = next((data[name] for name in SYSTEMS if _has(data.get(name))), None)
    for chat in CHATS:
        if data.get(chat) is not None:
            return _behind(system, Row(_turns(data[chat])))
    for asked, answer in (*PAIRS, *((one, "") for one in PROMPTS)):
        if asked in data and (answer in data or not answer):
            contexts = [data.get(name) for name in CONTEXTS]
            return _behind(system, _pair(data[asked], _first(data.get(answer)), contexts))
    return Row(text=_text(data.get("text"), "the text"))


def _lacks_answer(fields: Iterable[str]) -> bool:
    """Whether fields by their plain names are a prompt without its answer."""
    there = set(fields)
    is_prompt = there & {*PROMPTS} and not there & {*CHATS}
    return bool(is_prompt) and not there & {*ANSWERS}


def _several_words(data: Mapping[Any, Any]) -> str:
    """The first column that may hold the answer to a prompt; empty if none does."""
    told = {str(name): value for name, value in data.items() if isinstance(value, str)}
    others = (name for name in told if plain_name(name) not in NO_ANSWERS)
    return next((told_name(name) for name in others if " " in told[name].strip()), "")


def _behind(system: object, row: Row) -> Row:
    """A row with a system message before it, unless it has its own."""
    if system is None or row.messages[0].role == "system":
        return row
    return Row((Message("system", _text(system, "the system message")), *row.messages))


def _pair(prompt: object, response: object, contexts: Iterable[object] = ()) -> Row:
    below = [_text(context, "the context") for context in contexts if _has(context)]
    asked = "\n\n".join((_text(prompt, "the prompt"), *below))
    answered = (Message("assistant", _text(response, "the answer")),) if _has(response) else ()
    return Row((Message("user", asked), *answered))


def _first(answers: object) -> object:
    """The first of several answers, as in {"text": [...]} of SQuAD; None if the list is empty."""
    listed = answers.get("text") if isinstance(answers, Mapping) else answers
    return next(iter(listed), None) if isinstance(listed, list) else listed


def _turns(turns: object) -> tuple[Message, ...]:
    if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
        raise Unreadable("its turns are no list of objects")
    made = [turn for one in turns if (turn := _turn(one))]
    if not any(turn.role == "user" for turn in made):
        raise Unreadable("it has no turn of a user")
    return tuple(made)


def _turn(turn: Mapping[Any, Any]) -> Message | None:
    """A turn of a chat; None for a system turn that says nothing."""
    role = _role(turn.get("role", turn.get("from")))
    said = _said(turn.get("content", turn.get("value")))
    if role == "system" and not _has(said):
        return None
    return Message(role, _text(said, f"a turn of the {role}"))


def _role(name: object) -> Role:
    role = ROLES.get(plain_name(name)) if isinstance(name, str) else None
    if role is None:
        raise Unreadable(f"a turn is by {str(name)[:40]!r}, who is neither user nor assistant")
    return role


def _said(content: object) -> object:
    """What a turn says, which may come in parts."""
    if not isinstance(content, list) or not all(isinstance(part, Mapping) for part in content):
        return content
    for part in content:
        if part.get("type") != "text":
            raise Unreadable(f"a turn holds {str(part.get('type'))[:40]!r}, which is no text")
    return "\n".join(_text(part.get("text"), "a part of a turn") for part in content)


def _has(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _text(value: object, what: str) -> str:
    if not _has(value):
        raise Unreadable(f"{what} is empty")
    if not isinstance(value, str):
        raise Unreadable(f"{what} is no text ({str(value)[:40]!r})")
    # Half a surrogate pair, as a JSON escape can hold it, could never be written as UTF-8.
    return value.encode("utf-8", "replace").decode("utf-8")


def plain_name(name: str) -> str:
    """A name without what does not tell it from another: in small letters, no space around."""
    return name.strip().casefold()
