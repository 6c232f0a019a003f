"""Rows of files become token sequences; bad rows are named."""

from __future__ import annotations

import json

import pytest

from core.engine.request import Message
from core.errors import KnownError
from core.train.data import Row, read_rows, row_to_json, split_rows, step_indices, to_samples
from tests.core.toy import END_ID, toy_tokenizer


def write(path, *rows) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_chats_pairs_and_texts_are_read_from_files_and_folders(tmp_path) -> None:
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    write(tmp_path / "a.jsonl", {"messages": chat}, {"prompt": "Q", "response": "A"}, {"text": "T"})
    (tmp_path / "b.txt").write_text("plain", encoding="utf-8")
    (tmp_path / "c.bin").write_bytes(b"\0")
    rows = read_rows([str(tmp_path)])
    assert [row.text for row in rows] == ["", "", "T", "plain"]
    assert rows[0].messages == (Message("user", "Hi"), Message("assistant", "Ho"))
    assert not any(row.lacks_answer for row in rows)


def test_a_prompt_alone_lacks_its_answer(tmp_path) -> None:
    [row] = read_rows([write(tmp_path / "a.jsonl", {"prompt": "Q"})])
    assert row.lacks_answer


@pytest.mark.parametrize(
    "line", ["{", '{"question": "Q"}', "3", '{"messages": []}', '{"prompt": 3}', '{"text": null}']
)
def test_a_bad_line_is_named(tmp_path, line) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(KnownError, match="line 2"):
        read_rows([str(path)])


def test_missing_empty_and_unknown_files_are_refused(tmp_path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    (tmp_path / "empty.txt").write_text("")
    for name, said in (
        ("no", "does not exist"),
        ("a.pdf", "no known kind"),
        ("empty.txt", "No rows"),
    ):
        with pytest.raises(KnownError, match=said):
            read_rows([str(tmp_path / name)])


def test_a_row_survives_its_json(tmp_path) -> None:
    row = Row((Message("user", "Ä\u2028"), Message("assistant", "ok")), family="f", complete=False)
    path = tmp_path / "a.jsonl"
    path.write_text(row_to_json(row) + "\n", encoding="utf-8")
    assert read_rows([str(path)]) == [row]


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


def test_each_epoch_visits_every_sample_once() -> None:
    seen = [index for step in range(10) for index in step_indices(step, 4, 20, seed=3)]
    assert sorted(seen[:20]) == sorted(seen[20:]) == list(range(20))
    assert seen[:20] != seen[20:]
