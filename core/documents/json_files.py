"""Readers of JSON: one object a line, a list of objects, or objects one after another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO, TypeGuard

from core.documents.encoding import lines, open_text, told_guess
from core.documents.records import LONGEST, Found, Source, Unreadable
from core.documents.roles import has_row
from core.documents.tables import row_or_finding
from core.wording import many

CHUNK = 1 << 16
SPACE = " \t\r\n"


def read_json_lines(source: Source) -> Iterator[Found]:
    """Rows of a file of JSON lines."""
    with open_text(source.path) as file:
        yield from told_guess(source, file)
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
    """Rows of a JSON file: a list of objects, objects one after another, or one around a list.

    Raises:
        Unreadable: where it stops being JSON.
    """
    number = 0
    with open_text(source.path) as file:
        yield from told_guess(source, file)
        try:
            for number, data in enumerate(_elements(source, _Values(file)), start=1):
                yield from row_or_finding(source, f"row {number}", data)
        except (ValueError, RecursionError) as error:
            # Where the decoder thinks that it is counts from the buffer's begin.
            why = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise Unreadable(f"it stops being JSON after {many(number, 'row')} ({why})") from error


def _elements(source: Source, values: _Values) -> Iterator[object]:
    if values.next_is("["):
        yield from values.elements()
    while not values.at_end:
        yield from _inner(source, values.take("{"))


def _inner(source: Source, data: object) -> list[object]:
    """The rows that an object wraps, as in {"data": [...], "version": 1}; else the object."""
    if isinstance(data, dict) and not has_row(tuple(data), source.columns):
        inner = [value for value in data.values() if isinstance(value, dict | list)]
        if len(inner) == 1 and _is_rows(inner[0]):
            return inner[0]
    return [data]


def _is_rows(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


class _Values:
    """JSON values of a file one after another, with a buffer that holds one of them at most."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._buffer, self._at = file, "", 0
        self._decoder = json.JSONDecoder()

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
        """The value that comes next; `ends` are the signs that may follow it."""
        wanted = CHUNK
        while True:
            try:
                self._peek()
                value, end = self._decoder.raw_decode(self._buffer, self._at)
                rest = len(self._buffer) - end
                if self._is_whole(value, end, ends) or not self._more(wanted):
                    self._at = len(self._buffer) - rest
                    return value
            except json.JSONDecodeError:
                if not self._more(wanted):
                    raise
            wanted *= 2  # so that a long value is not decoded again for every chunk

    def _is_whole(self, value: object, end: int, ends: str) -> bool:
        """Whether a value cannot go on in the next chunk, as a number may."""
        if isinstance(value, dict | list):
            return True
        while self._buffer[end : end + 1] in {*SPACE}:
            end += 1
        return self._buffer[end : end + 1] in {*ends}

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
