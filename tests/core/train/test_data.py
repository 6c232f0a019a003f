"""Rows of files become token sequences; bad rows are named."""

from __future__ import annotations

import json

import pytest

from core.documents.records import ColumnMap, Row
from core.documents.report import Report
from core.engine.request import Message
from core.errors import KnownError
from core.train import data
from core.train.data import (
    nearly_repeated,
    read_rows,
    split_rows,
    step_indices,
    to_samples,
    write_rows,
    written_rows,
)
from tests.core.toy import END_ID, toy_tokenizer


def write(path, *rows) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read(*paths) -> list[Row]:
    return read_rows([str(path) for path in paths], Report())


def test_chats_pairs_and_texts_are_read_from_files_and_folders(tmp_path) -> None:
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    docs = tmp_path / "docs"
    docs.mkdir()
    write(docs / "a.jsonl", {"messages": chat}, {"prompt": "Q", "response": "A"}, {"text": "T"})
    (docs / "b.txt").write_text("plain", encoding="utf-8")
    (docs / "c.bin").write_bytes(b"\0")
    rows = read(docs)
    assert [row.text for row in rows] == ["", "", "T", "plain"]
    assert rows[0].messages == (Message("user", "Hi"), Message("assistant", "Ho"))
    assert not any(row.lacks_answer for row in rows)


def test_of_very_many_rows_a_lot_is_drawn(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(data, "MOST_ROWS", 20)
    report = Report()
    path = write(tmp_path / "a.jsonl", *({"text": f"row {n}"} for n in range(400)))
    rows = read_rows([path], report)
    assert report.rows == 400
    assert len(set(rows)) == 20
    places = sorted(int(row.text[4:]) for row in rows)
    assert places[0] < 100 < 300 < places[-1]


def test_a_prompt_alone_lacks_its_answer(tmp_path) -> None:
    [row] = read(write(tmp_path / "a.jsonl", {"prompt": "Q"}))
    assert row.lacks_answer


@pytest.mark.parametrize(
    "line", ["{", '{"answer": "Q"}', "3", '{"messages": []}', '{"prompt": 3}', '{"text": null}']
)
def test_a_bad_line_is_named_and_left_out(tmp_path, line) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine"}\n' + line + "\n", encoding="utf-8")
    report = Report()
    assert read_rows([str(path)], report) == [Row(text="fine")]
    [finding] = report.findings
    assert (finding.file, finding.place, finding.kind) == ("a.jsonl", "line 2", "skipped")
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(KnownError, match="line 1: "):
        read(path)


def test_missing_empty_and_unknown_files_are_refused(tmp_path) -> None:
    (tmp_path / "a.exe").write_bytes(b"MZ")
    (tmp_path / "empty.txt").write_text("")
    for name, said in (
        ("no", "does not exist"),
        ("a.exe", "no known kind"),
        ("empty.txt", "No rows"),
    ):
        with pytest.raises(KnownError, match=said):
            read(tmp_path / name)


def test_chosen_columns_are_read(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Frage,Antwort\nQ,A\n", encoding="utf-8")
    rows = read_rows([str(path)], Report(), ColumnMap(prompt="Frage", response="Antwort"))
    assert rows == [Row((Message("user", "Q"), Message("assistant", "A")))]
    with pytest.raises(KnownError, match="choose the columns"):
        read(path)


def test_reading_ends_with_what_there_is_where_it_shall_not_go_on(tmp_path) -> None:
    path = write(tmp_path / "a.jsonl", *[{"text": "T"}] * 250)
    report = Report()
    rows = read_rows([path], report, goes_on=lambda: report.rows < 200)
    assert len(rows) == report.rows == 200


def test_rows_survive_their_file(tmp_path) -> None:
    turns = (Message("user", "Ä\u2028"), Message("assistant", "ok"))
    rows = [Row(turns, family="f", complete=False), Row(text="a\nb")]
    write_rows(tmp_path / "rows.jsonl", rows)
    assert written_rows(tmp_path / "rows.jsonl") == rows


def test_answers_end_with_the_end_token_only_when_complete() -> None:
    tokenizer = toy_tokenizer()
    turns = (Message("user", "Hi"), Message("assistant", "Ho"))
    [whole] = to_samples(Row(turns), tokenizer, END_ID, 200)
    [cut] = to_samples(Row(turns, complete=False), tokenizer, END_ID, 200)
    assert whole.token_ids == (*cut.token_ids, END_ID)
    assert tokenizer.decode(whole.token_ids[whole.first + 1 :]) == "Ho<|im_end|>"


def test_long_texts_become_several_samples() -> None:
    samples = to_samples(Row(text="x" * 50), toy_tokenizer(), END_ID, 20)
    assert [len(sample.token_ids) for sample in samples] == [20, 20, 10]


def test_held_out_rows_are_never_trained_on() -> None:
    rows = [Row(text=str(n)) for n in range(40)]
    train, held = split_rows(rows, 24, seed=1)
    assert len(held) == 8
    assert sorted(int(row.text) for row in train + held) == list(range(40))
    assert split_rows(rows, 24, seed=1) == (train, held)


def test_a_row_given_twice_is_on_one_side_only() -> None:
    rows = [Row(text=str(n)) for n in range(20)] * 2
    train, held = split_rows(rows, 4, seed=1)
    assert not set(train) & set(held)
    assert len(train) + len(held) == 20


def test_held_out_rows_that_training_rows_nearly_repeat_are_counted() -> None:
    words = " ".join(f"word{n}" for n in range(60))
    rows = [Row(text=words), *(Row(text=f"{n} {words[::-1]} {n}") for n in range(3))]
    held = [Row(text=f"{words} once more"), Row(text=" ".join(f"new{n}" for n in range(60)))]
    assert nearly_repeated(held, rows) == 1
    assert nearly_repeated([*held, held[1]], rows) == 1


def test_each_epoch_visits_every_sample_once() -> None:
    seen = [index for step in range(10) for index in step_indices(step, 4, 20, seed=3)]
    assert sorted(seen[:20]) == sorted(seen[20:]) == list(range(20))
    assert seen[:20] != seen[20:]
