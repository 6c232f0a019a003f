"""The model writes rows: greedy answers, cached; prompts through its own user turn."""

from __future__ import annotations

import json

import pytest

from core.documents.records import Row
from core.engine.request import Message
from core.evaluate.tasks import CHECKABLE, OPEN, split_of
from core.train import synthesis
from core.train.synthesis import Writer, family_rows
from tests.core.toy import END_ID, toy_model, toy_tokenizer

CONTEXT = 384


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "ANSWER_TOKENS", 12)
    monkeypatch.setattr(synthesis, "BATCH", 4)


def prompts(count: int) -> list[Row]:
    return [Row((Message("user", "x" * n + "?"),)) for n in range(1, count + 1)]


def writer(tmp_path) -> Writer:
    cache = tmp_path / "answers.jsonl"
    return Writer(toy_model(), toy_tokenizer(), [END_ID], cache, CONTEXT, pytest.fail)


def test_answers_are_the_models_own_greedy_ones(tmp_path) -> None:
    rows = prompts(6)
    answered = writer(tmp_path).answer(rows, lambda *_: True)
    assert [row.messages[:-1] for row in answered] == [row.messages for row in rows]
    tokenizer, model = toy_tokenizer(), toy_model()
    for row in answered:
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": row.messages[0].content}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        out = model.generate(**ids, max_new_tokens=12, do_sample=False, pad_token_id=END_ID)
        expected = out[0, ids["input_ids"].shape[1] :].tolist()
        ended = END_ID in expected
        kept = expected[: expected.index(END_ID)] if ended else expected
        assert row.messages[-1].content == tokenizer.decode(kept)
        assert row.complete == ended


def test_known_answers_are_not_written_again(tmp_path) -> None:
    first = writer(tmp_path).answer(prompts(5), lambda *_: True)
    calls: list[tuple[int, int]] = []

    def advance(*seen: int) -> bool:
        calls.append(seen)
        return True

    assert writer(tmp_path).answer(prompts(5), advance) == first
    assert calls == []


def test_a_torn_cache_line_is_answered_again(tmp_path) -> None:
    first = writer(tmp_path).answer(prompts(2), lambda *_: True)
    cache = tmp_path / "answers.jsonl"
    cache.write_bytes(cache.read_bytes()[:-8] + "Ü".encode()[:1])  # within a character
    assert writer(tmp_path).answer(prompts(2), lambda *_: True) == first


@pytest.mark.parametrize("place", ["a folder", "below a file"])
def test_answers_that_cannot_be_kept_are_given_all_the_same(tmp_path, place) -> None:
    (tmp_path / "file").touch()
    cache = tmp_path if place == "a folder" else tmp_path / "file" / "answers.jsonl"
    said: list[str] = []
    pen = Writer(toy_model(), toy_tokenizer(), [END_ID], cache, CONTEXT, said.append)
    assert pen.answer(prompts(10), lambda *_: True) == writer(tmp_path / "other").answer(
        prompts(10), lambda *_: True
    )
    [sentence] = said
    assert sentence.startswith("The model's answers cannot be kept for other runs: ")


def test_a_blank_answer_is_none(tmp_path) -> None:
    pen = writer(tmp_path)
    pen.answer(prompts(3), lambda *_: True)
    cache = tmp_path / "answers.jsonl"
    key, *_ = json.loads(cache.read_text().splitlines()[0])
    with cache.open("a", encoding="utf-8") as file:
        file.write(json.dumps([key, "\n", True]) + "\n")
    assert len(writer(tmp_path).answer(prompts(3), lambda *_: True)) == 2


def test_rows_not_reached_in_time_are_left_out(tmp_path) -> None:
    answered = writer(tmp_path).answer(prompts(10), lambda *_: False)
    assert 0 < len(answered) <= 4


def test_nothing_is_begun_once_the_time_is_up(tmp_path) -> None:
    pen = writer(tmp_path)
    assert pen.answer(prompts(3), lambda *_: True, lambda: -1.0) == []
    assert pen.invent_prompts(3, 0, lambda *_: True, lambda: 0.0) == []


def test_a_prompt_that_fills_the_context_gets_no_answer(tmp_path) -> None:
    long = Row((Message("user", "x" * CONTEXT),))
    answered = writer(tmp_path).answer([long, *prompts(2)], lambda *_: True)
    assert [row.messages[0].content for row in answered] == ["x?", "xx?"]


def test_answered_rows_pass_through(tmp_path) -> None:
    row = Row((Message("user", "Q"), Message("assistant", "A")))
    assert writer(tmp_path).answer([row, Row(text="t")], lambda *_: True) == [row, Row(text="t")]


def test_family_rows_are_of_the_training_split() -> None:
    rows = family_rows(3, seed=4)
    assert {row.family for row in rows} == {*CHECKABLE, *OPEN}
    assert {split_of(row.messages[0].content) for row in rows} == {"train"}
