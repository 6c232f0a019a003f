"""Readers of JSON: one object a line, or one list of objects, element by element."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

from core.documents.encoding import lines, open_text
from core.documents.records import LONGEST, Found, Source, Unreadable
from core.documents.tables import row_or_finding

CHUNK = 1 << 16
SPACE = " \t\r\n"


def read_json_lines(source: Source) -> Iterator[Found]:
    """Rows of a file of JSON lines."""
    with open_text(source.path) as file:
        for number, line in enumerate(lines(file), start=1):
            if not line.strip():
                continue
            try:
                data = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield source.finding(f"line {number}", "skipped", f"it is no JSON ({error})")
            else:
                yield from row_or_finding(source, f"line {number}", data)


def read_json(source: Source) -> Iterator[Found]:
    """Rows of a JSON file: a list of objects, one object, or an object that holds one list.

    Raises:
        Unreadable: if it is no JSON, from the place where it stops being so.
    """
    with open_text(source.path) as file:
        values = _Values(file)
        try:
            if values.next_is("["):
                yield from _rows(source, values.elements())
            elif not values.at_end:
                yield from _rows(source, iter(_inner(values.take(""))))
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"it stops being JSON after {values.taken} rows ({error})") from error


def _rows(source: Source, elements: Iterator[object]) -> Iterator[Found]:
    for number, data in enumerate(elements, start=1):
        yield from row_or_finding(source, f"row {number}", data)


def _inner(data: object) -> list[object]:
    """The rows that an object wraps, as in {"data": [...]}; else the object itself."""
    if isinstance(data, dict) and len(data) == 1:
        [[name, value]] = data.items()
        if isinstance(value, list) and name not in ("messages", "conversations"):
            return value
    return [data]


class _Values:
    """JSON values of a file one after another, with a buffer that holds one of them at most."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._buffer, self._at = file, "", 0
        self._decoder = json.JSONDecoder()
        self.taken = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing but space is left."""
        return not self._peek()

    def elements(self) -> Iterator[object]:
        """The elements of a list whose bracket has been taken."""
        if self.next_is("]"):
            return
        while True:
            yield self.take(",]")
            if self.next_is("]"):
                break
            if not self.next_is(","):
                raise ValueError("a comma is missing")
        if not self.at_end:
            raise ValueError("there is more after the list")

    def next_is(self, sign: str) -> bool:
        """Take a sign, if it comes next."""
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def take(self, ends: str) -> object:
        """The value that comes next; `ends` are the signs that may follow it, none for the end."""
        wanted = CHUNK
        while True:
            try:
                self._peek()
                value, end = self._decoder.raw_decode(self._buffer, self._at)
                left = self._buffer[end:].lstrip(SPACE)
                # A number at the buffer's end may go on in the next chunk.
                if (left and left[0] in ends) or not self._more(wanted):
                    self._at = end
                    self.taken += 1
                    return value
            except json.JSONDecodeError:
                if not self._more(wanted):
                    raise
            wanted *= 2  # so that a long value is not decoded again for every chunk

    def _more(self, wanted: int) -> bool:
        """Read on; False at the file's end."""
        self._buffer, self._at = self._buffer[self._at :], 0
        if len(self._buffer) > LONGEST:
            raise Unreadable(
                f"a single value has more than {LONGEST:,} characters: give a list of rows, or "
                "one row a line"
            )
        chunk = self._file.read(wanted)
        self._buffer += chunk
        return bool(chunk)

    def _peek(self) -> str:
        """The next sign that is no space; empty at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more(CHUNK):
                return ""
