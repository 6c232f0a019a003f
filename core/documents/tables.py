"""Readers of tables: CSV, Parquet. The first row names the columns; a row is a `Row`."""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, TextIO

from core.documents.encoding import lines, open_text, told_guess
from core.documents.libraries import require
from core.documents.records import LONGEST, Found, Source, Unreadable, told_columns, told_name
from core.documents.roles import check_columns, is_mapped, plain_name, to_row, used_columns

DELIMITERS = ",;\t|"
EXCELS = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""A first line by which Excel is told the delimiter."""
MOST_NAMED = 3
"""Columns that a sentence names."""
BATCH = 64
"""Rows of a Parquet file in memory at a time."""


def read_csv(source: Source) -> Iterator[Found]:
    """Rows of a table of text; comma, semicolon, tab or bar, whichever the first line has most.

    Raises:
        Unreadable: if its first line names no columns that are known or chosen.
    """
    csv.field_size_limit(LONGEST)
    with open_text(source.path, newline="") as file:
        yield from told_guess(source, file)
        first = file.readline(LONGEST)
        file.seek(0)
        excels = EXCELS.fullmatch(first)
        delimiter = excels[1] if excels else max(DELIMITERS, key=first.count)
        given = _Lines(file)
        if excels:
            next(given)
        # Strict: a quote out of place is told, not mended into a row that nobody wrote.
        reader = csv.reader(given, delimiter=delimiter, strict=True)
        try:
            header = next((names for names in reader if any(names)), None)
        except csv.Error as error:
            raise Unreadable(f"its first line names no columns ({_why(error)})") from error
        if header is None:
            return
        check_columns(header, source.columns)
        yield from told_repeats(source, f"line {given.number}", header)
        yield from _rows_of_csv(source, reader, given, header)


class _Lines:
    """Lines of a file, which can be given back where no row came of them.

    As many as a field may be long, all together: where every line opens a quote that is not
    closed, each would be read again for each one before it.
    """

    def __init__(self, file: TextIO) -> None:
        self._lines, self._again = lines(file), deque[str]()
        self._row: list[str] = []
        self._may_give = LONGEST
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._row.append(line)
        self.number += 1
        return line

    def begin_row(self) -> str:
        """The place of the row that comes next."""
        self._row.clear()
        return f"line {self.number + 1}"

    def give_back(self) -> None:
        """Let all lines of the row come again but its first.

        Raises:
            Unreadable: if too much came again already.
        """
        again = self._row[1:]
        self._may_give -= sum(map(len, again))
        if self._may_give < 0:
            line = self.number - len(again)
            raise Unreadable(f"from line {line} on quotes are opened and not closed: reading ended")
        self._again.extendleft(reversed(again))
        self.number -= len(again)


def _rows_of_csv(source: Source, reader: Any, given: _Lines, header: list[str]) -> Iterator[Found]:
    while True:
        place = given.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # A quote that is not closed has taken in the rows behind it.
            given.give_back()
            yield source.finding(place, "skipped", f"it is no row of a table ({_why(error)})")
        else:
            yield from row_of_cells(source, place, header, cells)


def _why(error: csv.Error) -> str:
    never_closed = "end of data" in str(error) or "field limit" in str(error)
    return "a quote is opened and not closed" if never_closed else str(error)


def told_repeats(source: Source, place: str, header: Sequence[str]) -> Iterator[Found]:
    """A word on columns of one name, of which the first counts."""
    counts = Counter(plain_name(name) for name in header)
    if repeated := [told_name(name) for name, count in counts.items() if name and count > 1]:
        named = ", ".join(repeated[:MOST_NAMED])
        yield source.finding(place, "note", f"of the columns named {named} only the first counts")


def row_of_cells(
    source: Source, place: str, header: Sequence[str], cells: Sequence[object]
) -> Iterator[Found]:
    """The record of a row by its header, or why there is none; nothing for an empty row."""
    if not any(cells):
        return
    if len(cells) != len(header):
        why = f"it has {len(cells)} fields where the first line has {len(header)}"
        yield source.finding(place, "skipped", why)
        return
    values: dict[str, object] = {}
    for name, value in zip(header, cells, strict=True):
        values.setdefault(name, _cell(value))
    yield from row_or_finding(source, place, values)


def row_or_finding(
    source: Source, place: str, data: object, columns: Sequence[str] = ()
) -> Iterator[Found]:
    """The record of one object, or why there is none.

    Args:
        source: The file it is of.
        place: Where in it.
        data: The object, by its columns.
        columns: All there are, where the object holds only those that are used.
    """
    there = columns or (data if isinstance(data, Mapping) else ())
    chosen_from = told_columns(there) if is_mapped(there, source.columns) else ()
    try:
        yield source.record(place, to_row(data, source.columns), chosen_from)
    except Unreadable as why:
        found = why.finding(source.name, place)
        yield replace(found, columns=found.columns or chosen_from)


def read_parquet(source: Source) -> Iterator[Found]:
    """Rows of a Parquet file, only the columns that rows are made of."""
    parquet = require("pyarrow.parquet")
    number = 0
    with parquet.ParquetFile(source.path, pre_buffer=False) as file:
        names = file.schema_arrow.names
        check_columns(names, source.columns)
        used = used_columns(names, source.columns)
        for batch in file.iter_batches(batch_size=BATCH, columns=used, use_threads=False):
            for data in batch.to_pylist():
                number += 1
                values = {name: _cell(value) for name, value in data.items()}
                yield from row_or_finding(source, f"row {number}", values, names)


def _cell(value: object) -> object:
    """A number or date of a cell as its text; a truth value, list or object as it is."""
    if isinstance(value, int | float | Decimal | date) and not isinstance(value, bool):
        return str(value)
    return value
