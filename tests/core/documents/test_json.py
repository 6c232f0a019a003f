"""JSON in all the ways that rows stand in it, with the place where it stops being JSON."""

from __future__ import annotations

import json

import pytest

from core.documents import json_files
from core.documents.records import Unreadable
from tests.core.documents.reading import read, read_all, whys


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
        "rows 3, 4: it is no object with named fields",
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
