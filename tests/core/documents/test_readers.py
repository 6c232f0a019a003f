"""Every format gives its rows with their places, alone and in archives, a piece at a time."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from core.documents import json_files
from core.documents.formats import read_file
from core.documents.records import Record, Row, Source, Unreadable
from core.engine.request import Message
from tests.core.documents.reading import read_all, whys
from tests.core.documents.samples import PAIR, write_pdf, write_samples

CHAT = (Message("user", PAIR["prompt"]), Message("assistant", PAIR["response"]))
SAMPLES = {
    "book.xlsx": ["sheet Sales, row 2", "sheet Sales, row 3"],
    "letter.docx": ["paragraph 1"],
    "list.json": ["row 1", "row 2"],
    "notes.md": ["line 1"],
    "page.html": ["line 1"],
    "paper.pdf": ["page 1", "page 2"],
    "plain.txt": ["line 1"],
    "rows.jsonl": ["line 1"],
    "table.csv": ["line 2"],
    "table.parquet": ["row 1"],
}


def read(path) -> list[Record]:
    """In this process, for readers of formats that need no guard."""
    return [one for one in read_file(Source(path, path.name)) if isinstance(one, Record)]


def test_every_format_is_read_alone_and_in_archives(tmp_path) -> None:
    write_samples(tmp_path / "docs")
    records, report = read_all(tmp_path / "docs")
    rows = {(one.file, one.place): one.row for one in records}
    folders = ("docs", "docs/all.zip/inner", "docs/all.tar.gz/inner")
    wanted = {
        (f"{folder}/{name}", place)
        for folder in folders
        for name, places in SAMPLES.items()
        for place in places
    }
    assert rows.keys() == wanted
    assert {file.state for file in report.files} == {"read"}
    assert rows["docs/paper.pdf", "page 1"] == Row(text="Hello from a page.")
    assert rows["docs/letter.docx", "paragraph 1"].text.split() == (
        ["First", "paragraph.", "In", "a", "table."]
    )
    assert rows["docs/page.html", "line 1"] == Row(text="Title\nOne & ä.\nTwo\nThree")
    assert rows["docs/book.xlsx", "sheet Sales, row 3"].messages[1].content == "42"
    for name in ("book.xlsx", "list.json", "rows.jsonl", "table.csv", "table.parquet"):
        assert rows[f"docs/{name}", SAMPLES[name][0]].messages == CHAT


def test_long_texts_become_pieces_that_end_with_a_paragraph(tmp_path) -> None:
    path = tmp_path / "a.md"
    path.write_text("".join(f"{'word ' * 500}{n}\n\n" for n in range(20)), encoding="utf-8")
    pieces = read(path)
    assert len(pieces) == 20
    assert all(2500 < len(one.row.text) <= 4_000 for one in pieces)
    assert [one.place for one in pieces[:2]] == ["line 1", "line 2"]
    assert "".join(one.row.text for one in pieces).count("word") == 10_000


def test_a_line_without_end_is_cut_and_still_one_line(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 40_000 + "\n" + "y" * 16_000)
    assert [(one.place, len(one.row.text)) for one in read(path)] == [
        ("line 1", 16_000),
        ("line 1", 16_000),
        ("line 1", 8_000),
        ("line 2", 16_000),
    ]


def test_a_scanned_page_is_told(tmp_path) -> None:
    write_pdf(tmp_path / "a.pdf", "Text.", "")
    records, report = read_all(tmp_path / "a.pdf")
    assert [one.place for one in records] == ["page 1"]
    assert whys(report) == {"a.pdf": "page 2: it has no text: perhaps it was scanned"}


@pytest.mark.parametrize(
    "text",
    ['{"data": [{"text": "a"}, {"text": "b"}]}', ' [ {"text": "a"},\n{"text": "b"} ] ', "[]", ""],
)
def test_json_lists_are_read_bare_and_wrapped(tmp_path, text) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    assert [one.row.text for one in read(path)] == (["a", "b"] if "text" in text else [])


def test_long_json_lists_are_read_across_chunks(tmp_path) -> None:
    path = tmp_path / "a.json"
    texts = ["x" * size for size in range(1, 400_000, 30_001)]
    path.write_text(json.dumps([{"text": text} for text in texts], indent=2))
    assert [one.row.text for one in read(path)] == texts


def test_a_wrapped_list_that_is_too_long_is_told_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(json_files, "LONGEST", 1 << 18)
    path = tmp_path / "a.json"
    rows = [{"text": f"{n} words " * 300} for n in range(500)]
    path.write_text(json.dumps(rows))
    assert len(read(path)) == 500
    path.write_text(json.dumps({"data": rows}))
    with pytest.raises(Unreadable, match="give a list of rows, or one row a line"):
        read(path)


@pytest.mark.parametrize("joint", ["\n", "\r\n", " ", ""])
def test_json_objects_one_after_another_are_read(tmp_path, joint) -> None:
    path = tmp_path / "a.json"
    texts = ["x" * size for size in range(1, 400_000, 30_001)]
    path.write_text(joint.join(json.dumps({"text": text}) for text in texts), newline="")
    assert [one.row.text for one in read(path)] == texts


def test_what_follows_json_objects_is_told_with_the_rows_before(tmp_path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"text": "a"}\n{"text": "b"}\n3 4 {"text": "c"} and no more')
    records, report = read_all(path)
    assert [(one.place, one.row.text) for one in records] == [
        ("row 1", "a"), ("row 2", "b"), ("row 5", "c")
    ]  # fmt: skip
    assert whys(report)["a.json"].split("; ") == [
        "row 3: it is no object with named fields",
        "row 4: it is no object with named fields",
        ": it stops being JSON after 5 rows (Expecting value)",
    ]


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('{"data": [{"text": "a"}, {"text": "b"}], "version": 1, "about": "x"}', ["a", "b"]),
        ('{"text": "a", "tags": [{"text": "b"}]}', ["a"]),
        ('{"data": [{"text": "a"}], "more": [{"text": "b"}]}', []),
        ('{"chapters": ["a"], "version": 1}', []),
    ],
)
def test_only_one_list_of_objects_among_plain_values_holds_the_rows(tmp_path, text, texts) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    assert [one.row.text for one in read(path)] == texts


@pytest.mark.parametrize(
    "text", ['[{"text": "a"}, {"te', '[{"text": "a"} 3]', '[{"text": "a"}] 3', "[" * 100_000]
)
def test_broken_json_is_told_with_its_place(tmp_path, text) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(Unreadable, match=r"stops being JSON after (0 rows|1 row) "):
        read(path)


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


def make_csv(path) -> None:
    with path.open("w") as file:
        file.write("id,text\n")
        file.writelines(f"{n},{'some words ' * 200}\n" for n in range(23_000))


def make_txt(path) -> None:
    with path.open("w") as file:
        file.writelines(f"{n} {'some words ' * 20}\n" for n in range(230_000))


def make_json_lines(path) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps({"text": f"{n} words " * 300}) + "\n" for n in range(15_000))


def make_parquet(path) -> None:
    schema = pa.schema([("text", pa.string())])
    with parquet.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for _ in range(50):
            writer.write_table(pa.table({"text": ["some words " * 1000] * 100}, schema))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.csv", make_csv),
        ("a.txt", make_txt),
        ("a.jsonl", make_json_lines),
        ("a.parquet", make_parquet),  # of what Arrow itself allocates this sees nothing
    ],
)
def test_50_megabytes_need_only_a_few(tmp_path, name, make) -> None:
    path = tmp_path / name
    make(path)
    assert path.stat().st_size > 45e6
    tracemalloc.start()
    try:
        characters = sum(len(one.row.text) for one in read_file(Source(path, name)))
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
    assert characters > 44e6


def test_paths_are_relative_to_where_the_user_stands(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("alone.txt", "folder/inner.txt"):
        (tmp_path / name).write_text(f"A line of {name}.\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    records, report = read_all(Path("alone.txt"), Path("folder"))
    texts = [one.row.text for one in records]
    assert texts == ["A line of alone.txt.", "A line of folder/inner.txt."]
    assert not report.findings
