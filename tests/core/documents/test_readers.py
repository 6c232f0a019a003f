"""Every format gives its rows with their places, alone and in archives, a piece at a time."""

from __future__ import annotations

import json
import time
import tracemalloc
import zipfile
from pathlib import Path

import docx
import pyarrow as pa
import pytest
from pyarrow import parquet

from core.documents.formats import read_file
from core.documents.records import Row, Source
from core.engine.request import Message
from tests.core.documents.reading import read, read_all, whys
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


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<table><tr><th>Name<th>Age<tr><td>Ann<td><b>3</b></table>", "Name | Age\nAnn | 3"),
        ("<table>\n<tr>\n<td>a</td>\n<td></td>\n<td>b</td>\n</tr>\n</table>", "a | b"),
        ("<table><tr><td><p>Ann</p></td><td><p>3</p></td></tr></table>", "Ann\n3"),
        ("<p>a\nb<pre>\n  c\n    d\n</pre>e\nf", "a b\n  c\n    d\ne f"),
        ("<p>a<!-- not --><p>b<!-- seen > <p>c<!-- again", "a\nb seen >\nc again"),
        ("<noscript>x</noscript>a<noscript><p>b", "a\nb"),
        ("<template>x</template>a<template>b<script>c</script>", "ab"),
        ("a<script>if (b) '<p>'", "a"),
        ("R&D of AT&T, x?a=1&b=2 &amp; &uuml;&auml.", "R&D of AT&T, x?a=1&b=2 & üä."),
        ("<p>a<![ no section]> b<p>c", "a b\nc"),
    ],
)
def test_pages_are_read_as_they_are_seen(tmp_path, page, text) -> None:
    path = tmp_path / "a.html"
    path.write_text(page)
    [record] = read(path)
    assert record.row.text == text


@pytest.mark.parametrize("begin", ["<!--", "<noscript>", "<script>", "<!-- <p>"])
def test_parts_of_a_page_without_an_end_cost_little(tmp_path, begin) -> None:
    path = tmp_path / "a.html"
    path.write_text(begin + "<p>some words" * 400_000)
    started = time.process_time()
    found = read(path)
    assert time.process_time() - started < 15
    assert bool(found) == (begin != "<script>")


def test_a_long_comment_is_left_out(tmp_path) -> None:
    path = tmp_path / "a.html"
    path.write_text(f"a<!-- {'not seen ' * 200_000}-->b<noscript>{'no ' * 99_999}</noscript>c")
    assert [one.row.text for one in read(path)] == ["abc"]


def test_rows_of_a_documents_tables_stay_together_and_its_notes_come_last(tmp_path) -> None:
    path = tmp_path / "a.docx"
    document = docx.Document()
    table = document.add_table(2, 3)
    for cell, text in zip(table._cells, ("Name", "", "Age", "Ann\nLee", "f", "3"), strict=True):
        cell.text = text
    table.cell(1, 1).add_table(1, 2).cell(0, 1).text = "inner"
    document.add_paragraph("Below.")
    document.save(str(path))
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(path, "a") as packed:
        for part in ("footnote", "endnote"):
            note = f"<w:{part}><w:p><w:r><w:t>A {part}.</w:t></w:r></w:p></w:{part}>"
            packed.writestr(f"word/{part}s.xml", f'<w:{part}s xmlns:w="{word}">{note}</w:{part}s>')
    [record] = read(path)
    assert record.row.text.split("\n") == [
        "Name | Age",
        "Ann Lee | f inner | 3",
        "Below.",
        "A footnote.",
        "A endnote.",
    ]


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


def test_a_log_is_text(tmp_path) -> None:
    path = tmp_path / "a.LOG"
    path.write_text("It went wrong.")
    assert [one.row.text for one in read(path)] == ["It went wrong."]


def test_a_scanned_page_is_told(tmp_path) -> None:
    write_pdf(tmp_path / "a.pdf", "Text.", "")
    records, report = read_all(tmp_path / "a.pdf")
    assert [one.place for one in records] == ["page 1"]
    assert whys(report) == {"a.pdf": "page 2: it has no text: perhaps it was scanned"}


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
