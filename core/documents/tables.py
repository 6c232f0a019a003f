"""Readers of tables: CSV, XLSX, Parquet. Their first row names the columns; a row is a `Row`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, TextIO

from core.documents.encoding import lines, open_text, told_guess
from core.documents.libraries import require
from core.documents.office import open_office
from core.documents.records import LONGEST, Found, Source, Unreadable, told_columns
from core.documents.roles import check_columns, is_mapped, to_row, used_columns

DELIMITERS = ",;\t|"
BATCH = 64
"""Rows of a Parquet file in memory at a time."""


def read_csv(source: Source) -> Iterator[Found]:
    """Rows of a table of text; comma, semicolon, tab or bar, whichever the first line has most."""
    csv.field_size_limit(LONGEST)
    with open_text(source.path, newline="") as file:
        yield from told_guess(source, file)
        # Strict: a quote out of place is told, not mended into a row that nobody wrote.
        reader = csv.reader(lines(file), delimiter=_delimiter(file), strict=True)
        header = next((names for names in reader if any(names)), None)
        if header is None:
            return
        check_columns(header, source.columns)
        yield from _rows_of_csv(source, reader, header)


def _delimiter(file: TextIO) -> str:
    first = file.readline(LONGEST)
    file.seek(0)
    return max(DELIMITERS, key=first.count)


def _rows_of_csv(source: Source, reader: Any, header: list[str]) -> Iterator[Found]:
    while True:
        place = f"line {reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield source.finding(place, "skipped", f"it is no row of a table ({error})")
        else:
            yield from _row(source, place, header, cells)


def _row(
    source: Source, place: str, header: Sequence[str], cells: Sequence[object]
) -> Iterator[Found]:
    if not any(cells):
        return
    if len(cells) != len(header):
        why = f"it has {len(cells)} fields where the first line has {len(header)}"
        yield source.finding(place, "skipped", why)
        return
    values = {name: _cell(value) for name, value in zip(header, cells, strict=True)}
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


def read_xlsx(source: Source) -> Iterator[Found]:
    """Rows of all sheets of a workbook, values as they were last computed."""
    openpyxl = require("openpyxl")
    open_office(source.path).close()  # refuses what must not be unpacked
    book = openpyxl.load_workbook(source.path, read_only=True, data_only=True)
    with closing(book):
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a file says of its own size may cut rows off
            try:
                yield from _rows_of_sheet(source, sheet)
            except Unreadable as why:
                yield why.finding(source.name, f"sheet {sheet.title}")


def _rows_of_sheet(source: Source, sheet: Any) -> Iterator[Found]:
    numbered = enumerate(sheet.iter_rows(values_only=True), start=1)
    first = next((cells for _, cells in numbered if _filled(cells)), None)
    if first is None:
        return
    header = [str(name) for name in _filled(first)]
    check_columns(header, source.columns)
    for number, cells in numbered:
        row = _filled(cells)
        row += [None] * (len(header) - len(row))
        yield from _row(source, f"sheet {sheet.title}, row {number}", header, row)


def _filled(cells: Iterable[object]) -> list[object]:
    """The cells of a row up to its last one that is filled."""
    kept = list(cells)
    while kept and kept[-1] is None:
        kept.pop()
    return kept


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
