"""Reader of workbooks: XLSX, sheet by sheet, values as they were last computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from core.documents.libraries import require
from core.documents.office import open_office
from core.documents.records import Found, Source, Unreadable, speakable, told_name
from core.documents.roles import check_columns, used_columns
from core.documents.tables import row_of_cells, told_repeats


def read_xlsx(source: Source) -> Iterator[Found]:
    """Rows of all sheets of a workbook; a sheet's first row names its columns."""
    require("openpyxl")
    open_office(source.path).close()  # refuses what must not be unpacked
    with (
        closing(_open(source.path, data_only=True)) as book,
        closing(_Formulas(source.path)) as formulas,
    ):
        for index, sheet in enumerate(book.worksheets):
            called = f"sheet {speakable(sheet.title)}"
            try:
                yield from _rows_of_sheet(source, called, sheet, formulas.of_sheet(index))
            except Unreadable as why:
                yield why.finding(source.name, called)


def _open(path: Path, *, data_only: bool) -> Any:
    """A workbook with the results of its formulas, or with these themselves."""
    openpyxl = require("openpyxl")
    reader = openpyxl.reader.excel.ExcelReader(path, read_only=True, data_only=data_only)
    # A sheet of charts holds no rows, and one without a chart would end the reading.
    reader.read_chartsheet = lambda sheet, rel: None  # noqa: ARG005
    reader.read()
    for sheet in reader.wb.worksheets:
        sheet.reset_dimensions()  # what a file says of its own size may cut rows off
    return reader.wb


class _Formulas:
    """A workbook's formulas, for which it is opened once more when one may lack its result."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._book: Any = None

    def of_sheet(self, index: int) -> Iterator[tuple[int, Sequence[Any]]]:
        """Its rows with their numbers."""
        self._book = self._book or _open(self._path, data_only=False)
        yield from enumerate(self._book.worksheets[index].iter_rows(), start=1)

    def close(self) -> None:
        """Close what was opened."""
        if self._book:
            self._book.close()


def _rows_of_sheet(
    source: Source, called: str, sheet: Any, formulas: Iterator[tuple[int, Sequence[Any]]]
) -> Iterator[Found]:
    numbered = enumerate(sheet.iter_rows(), start=1)
    first = next((cells for _, cells in numbered if _filled(cells)), None)
    if first is None:
        return
    header = ["" if name is None else str(name) for name in _filled(first)]
    check_columns(header, source.columns)
    yield from told_repeats(source, called, header)
    names = {*used_columns(header, source.columns)}
    used = [index for index, name in enumerate(header) if name in names]
    for number, cells in numbered:
        place = f"{called}, row {number}"
        row = _filled(cells)
        row += [None] * (len(header) - len(row))
        lacking = [index for index in used if index < len(cells) and _is_blank(cells[index])]
        if lacking and (column := _without_result(formulas, number, lacking)) is not None:
            yield source.finding(place, "skipped", _no_result(header[column]))
        else:
            yield from row_of_cells(source, place, header, row)


def _filled(cells: Sequence[Any]) -> list[object]:
    """The values of a row up to its last cell that is filled."""
    kept = [cell.value for cell in cells]
    while kept and kept[-1] is None:
        kept.pop()
    return kept


def _is_blank(cell: Any) -> bool:
    # A formula whose result is an empty text has one.
    return cell.value is None and cell.data_type != "str"


def _without_result(
    formulas: Iterator[tuple[int, Sequence[Any]]], number: int, columns: list[int]
) -> int | None:
    """The first of these columns that holds a formula in a row; rows are asked for in order."""
    for at, cells in formulas:
        if at == number:
            return next((one for one in columns if cells[one].data_type == "f"), None)
    return None


def _no_result(column: str) -> str:
    return (
        f'the formula in "{told_name(column)}" has no stored result: open the workbook in a '
        "spreadsheet program and save it"
    )
