"""Tables of text, workbooks and Parquet: what is out of place is told, and takes no row with it."""

from __future__ import annotations

import time
import zipfile

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.core.documents.reading import read, read_all, whys


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_of_text_with_quotes_and_line_breaks(tmp_path, delimiter) -> None:
    path = tmp_path / "a.csv"
    rows = ("prompt", "response"), ('"a\nb, c; d"', "A"), ("Q", "B")
    path.write_text("".join(delimiter.join(row) + "\n" for row in rows))
    records = read(path)
    assert [one.row.messages[0].content for one in records] == ["a\nb, c; d", "Q"]
    assert [one.place for one in records] == ["line 2", "line 4"]


def told(path) -> tuple[list[tuple[str, str]], str]:
    """Texts with their places, and all that is said."""
    records, report = read_all(path)
    return [(one.place, one.row.text) for one in records], whys(report)[path.name]


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ('"never ends', "a quote is opened and not closed"),
        ('"ends "here" for all', "',' expected after '\"'"),
    ],
)
def test_a_quote_out_of_place_takes_one_line_with_it(tmp_path, lost, said) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"text\na\n{lost}\nb\n\nc\n")
    rows, why = told(path)
    assert rows == [("line 2", "a"), ("line 4", "b"), ("line 6", "c")]
    assert why == f"line 3: it is no row of a table ({said})"


def test_a_quote_that_is_closed_far_below_takes_no_rows_with_it(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\n"open\na\n"b, c"\n')
    rows, why = told(path)
    assert rows == [("line 3", "a"), ("line 4", "b, c")]
    assert why.startswith("line 2: it is no row")


def test_many_quotes_that_are_never_closed_cost_little(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n" + '"x""\n' * 300_000)
    assert len(read(path)) < 300_000


def test_quotes_that_open_one_another_end_the_reading_soon(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,more\na,b\n" + 'x","y\n' * 100_000)
    began = time.process_time()
    rows, why = told(path)
    assert rows == [("line 2", "a")]
    assert "quotes are opened and not closed: reading ended" in why
    assert time.process_time() - began < 20  # a minute for a tenth of it, without an end


def test_first_lines_that_name_no_columns_are_told(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text,"id\na,1\n')
    assert told(path) == (
        [],
        ": its first line names no columns (a quote is opened and not closed)",
    )


def test_the_delimiter_that_excel_tells_is_taken(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sep=;\ntext;id,a,b,c\nT;1\n", encoding="utf-8-sig")
    assert told(path) == ([("line 3", "T")], "")


def test_columns_of_one_name_are_told(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,Text,id,text,,\nfirst,second,3,fourth,,\n")
    assert told(path) == (
        [("line 2", "first")],
        "line 1: of the columns named text only the first counts",
    )


def test_a_parquet_file_whose_answer_may_be_elsewhere_asks(tmp_path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.Table.from_pylist([{"prompt": "Q", "n": 1, "reply": "A B"}]), path)
    _, report = read_all(path)
    assert report.files[0].columns == ("prompt", "n", "reply")


def test_formulas_without_results_are_told(tmp_path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    answers = (("Q", "A", "=1+1"), ("unanswered",), ("sum", "=1+1"), ("R", "B"))
    for row in (("prompt", "response", "id"), *answers):
        book.active.append(row)
    book.save(path)
    records, report = read_all(path)
    assert [one.place for one in records] == [f"sheet Sheet, row {n}" for n in (2, 3, 5)]
    assert whys(report)["a.xlsx"] == (
        'sheet Sheet, row 4: the formula in "response" has no stored result: open the workbook in '
        "a spreadsheet program and save it"
    )


def test_a_formula_whose_result_is_empty_has_one(tmp_path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    for row in (("prompt", "response"), ("Q", "=A9")):
        book.active.append(row)
    book.save(path)
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'<c r="B2">', b'<c r="B2" t="str">')
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    [record], report = read_all(path)
    assert record.row.lacks_answer
    assert not report.findings


def test_an_empty_sheet_of_charts_is_passed_over(tmp_path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.create_chartsheet("Charts", 0)
    for row in (("text",), ("T",)):
        book["Sheet"].append(row)
    book.save(path)
    records, report = read_all(path)
    assert [(one.place, one.row.text) for one in records] == [("sheet Sheet, row 2", "T")]
    assert not report.findings
