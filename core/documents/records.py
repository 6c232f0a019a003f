"""What reading documents gives: rows with their places, and findings; plain data as JSON lines."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from core.engine.request import Message
from core.errors import KnownError

FindingKind = Literal[
    "skipped", "empty", "damaged", "over-long", "duplicate", "near duplicate", "secret", "note"
]
"""A note skips nothing."""

LONGEST = 16 << 20
"""Characters of the longest single line, field or JSON value that is looked at."""

MOST_COLUMNS, MOST_NAME = 200, 200
"""What is told of a table's columns, lest a foreign file fill the report."""


@dataclass(frozen=True)
class Row:
    """One training text.

    Attributes:
        messages: A chat; its last turn is the answer if there is one. Empty for plain text.
        text: Plain text; empty for a chat.
        complete: Whether the answer came to its end, so that an end token belongs behind it.
        passage: Fingerprint of the passage it is or speaks of; all rows of one are trained on,
            or none.
    """

    messages: tuple[Message, ...] = ()
    text: str = ""
    family: str = ""
    complete: bool = True
    passage: str = ""

    @property
    def lacks_answer(self) -> bool:
        """Whether the model still has to answer."""
        return bool(self.messages) and self.messages[-1].role != "assistant"

    @property
    def content(self) -> str:
        """Everything it says, turn by turn."""
        return "\n".join(turn.content for turn in self.messages) or self.text


@dataclass(frozen=True)
class Record:
    """One row and where it comes from.

    Attributes:
        file: Name relative to what was asked for; a member of an archive has both names.
        place: For people: "line 3", "page 2", "sheet Sales, row 4".
        columns: All of its table, where a chosen `ColumnMap` says what they hold.
    """

    file: str
    place: str
    row: Row
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What is to be said of a file, or of one place in it.

    Attributes:
        place: Empty for the whole file.
        why: A sentence without its full stop; never holds what a secret says.
        columns: Names to choose a `ColumnMap` from, where one would help.
    """

    file: str
    place: str
    kind: FindingKind
    why: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileStarted:
    """The reading of a file begins; what follows belongs to it."""

    file: str


Found = FileStarted | Record | Finding


@dataclass(frozen=True)
class ColumnMap:
    """Which columns of a table hold what: a text, or a prompt and perhaps its response.

    Columns are called as `told_name` tells them, for people choose from such names.

    Raises:
        KnownError: for neither or both of text and prompt.
    """

    prompt: str = ""
    response: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if self.prompt and self.prompt == self.response:
            raise KnownError(f"“{self.prompt}” cannot be both prompt and response.")
        if bool(self.prompt) == bool(self.text) or (self.response and self.text):
            raise KnownError(
                "Columns are either a text, or a prompt and perhaps its response.",
                "For example: prompt=Question,response=Answer.",
            )

    @classmethod
    def parse(cls, wish: str) -> ColumnMap:
        """The map of "prompt=NAME,response=NAME" or "text=NAME".

        A part whose name holds a comma stands in quotes, as in a CSV file.

        Raises:
            KnownError: if it is none.
        """
        try:
            [parts] = csv.reader([wish])
        except csv.Error as error:
            raise KnownError(f"The columns cannot be read: {error}.") from error
        given = dict(part.partition("=")[::2] for part in parts)
        if unknown := given.keys() - {"prompt", "response", "text"}:
            raise KnownError(
                f"{', '.join(sorted(unknown))} is nothing that a column can hold.",
                "Write prompt=NAME,response=NAME or text=NAME.",
            )
        return cls(**{part: told_name(name) for part, name in given.items()})

    @property
    def wish(self) -> str:
        """What `parse` makes this map of."""
        given = [f"{part}={name}" for part, name in dataclasses.asdict(self).items() if name]
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(given)
        return line.getvalue()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it needs."""
        return tuple(name for name in (self.prompt, self.response, self.text) if name)

    def missing(self, columns: Iterable[object]) -> list[str]:
        """What it needs and is not among these columns."""
        told = {told_name(str(one)) for one in columns}
        return [name for name in self.names if name not in told]


@dataclass(frozen=True)
class Source:
    """A file to read, and the name it has in reports."""

    path: Path
    name: str
    columns: ColumnMap | None = None

    def record(self, place: str, row: Row, columns: tuple[str, ...] = ()) -> Record:
        """A row of this file."""
        return Record(self.name, place, row, columns)

    def finding(self, place: str, kind: FindingKind, why: str) -> Finding:
        """Something to be said of this file."""
        return Finding(self.name, place, kind, told_why(why))

    @property
    def is_empty(self) -> bool:
        """Whether it is a regular file without a byte."""
        return self.path.is_file() and not self.path.stat().st_size


class Unreadable(Exception):  # noqa: N818  (a verdict on foreign data, which no caller lets pass)
    """A file, or one row of it, cannot be used.

    Args:
        why: A sentence without its full stop.
        columns: The columns there are, if a `ColumnMap` would help.
    """

    def __init__(self, why: str, columns: Iterable[object] = ()) -> None:
        super().__init__(why)
        self.columns = told_columns(columns)

    def finding(self, file: str, place: str = "") -> Finding:
        """The same as a finding, for the report."""
        return Finding(file, place, "skipped", told_why(str(self)), self.columns)


def told_columns(columns: Iterable[object]) -> tuple[str, ...]:
    """The names of a foreign table's columns, for people to choose from."""
    return tuple(told_name(str(one)) for one in islice(columns, MOST_COLUMNS))


def told_name(column: str) -> str:
    """The name of a foreign column, fit for a line on a screen."""
    return speakable(column[:MOST_NAME])


def told_why(why: str) -> str:
    """A sentence that may hold foreign words, as of a library's error, fit for one line."""
    return speakable(" ".join(why.split()))


@lru_cache(maxsize=2 * MOST_COLUMNS)
def speakable(name: str) -> str:
    """A foreign name fit for a line on a screen: what cannot be printed is replaced."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)


def row_to_dict(row: Row) -> dict[str, Any]:
    """The row as plain JSON types; `roles.to_row` reads it back."""
    turns = [{"role": one.role, "content": one.content} for one in row.messages]
    data: dict[str, Any] = {"messages": turns} if row.messages else {"text": row.text}
    data |= {"family": row.family, "complete": row.complete}
    return data | ({"passage": row.passage} if row.passage else {})


def found_to_json(found: Found) -> str:
    """One line of what the reading process says; ASCII, as names of files may be no UTF-8."""
    match found:
        case Record():
            place = {"file": found.file, "place": found.place, "columns": found.columns}
            data = {**place, "row": row_to_dict(found.row)}
        case _:
            data = dataclasses.asdict(found)
    return json.dumps(data)


def found_from_json(data: Mapping[str, Any]) -> Found:
    """The other way; the fields tell what it is."""
    if "row" in data:
        row = data["row"]
        turns = tuple(Message(**turn) for turn in row.get("messages", ()))
        restored = Row(turns, row.get("text", ""), row["family"], row["complete"])
        return Record(data["file"], data["place"], restored, tuple(data["columns"]))
    if "kind" in data:
        return Finding(**{**data, "columns": tuple(data["columns"])})
    return FileStarted(data["file"])
