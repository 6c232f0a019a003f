"""The model writes rows: greedy answers, cached; prompts through its own user turn."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import LlamaForCausalLM

from core.documents.records import Row
from core.engine.request import Message
from core.evaluate.tasks import CHECKABLE, OPEN, split_of
from core.train import synthesis
from core.train.synthesis import Writer, family_rows
from tests.core.toy import END_ID, toy_model, toy_tokenizer


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "ANSWER_TOKENS", 12)
    monkeypatch.setattr(synthesis, "BATCH", 4)
    monkeypatch.setattr(synthesis, "FORK_TOKENS", 6)
    monkeypatch.setattr(synthesis, "LIKELY", 0.0)


def prompts(count: int) -> list[Row]:
    return [Row((Message("user", "x" * n + "?"),)) for n in range(1, count + 1)]


def toy_writing() -> LlamaForCausalLM:
    """The toy, saying nothing but letters and signs that are tokens of their own."""
    model = toy_model()
    said = [*range(94), END_ID]
    size = model.config.vocab_size
    model.generation_config.suppress_tokens = [one for one in range(size) if one not in said]
    return model


def writer(tmp_path) -> Writer:
    return Writer(toy_writing(), toy_tokenizer(), [END_ID], tmp_path / "answers.jsonl")


def test_answers_are_the_models_own_greedy_ones(tmp_path) -> None:
    rows = prompts(6)
    answered = writer(tmp_path).answer(rows, lambda *_: True)
    assert [row.messages[:-1] for row in answered] == [row.messages for row in rows]
    for row in answered:
        assert (row.messages[-1].content, row.complete) == greedy(row, [], 12)


def greedy(row: Row, begun: list[int], most_tokens: int) -> tuple[str, bool]:
    """What the toy model answers to a row's first turn, and whether it comes to its end."""
    tokenizer = toy_tokenizer()
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": row.messages[0].content}],
        add_generation_prompt=True,
        return_dict=True,
    )["input_ids"]
    prompt = torch.tensor([[*ids, *begun]])
    mask = torch.ones_like(prompt)
    out = toy_writing().generate(
        prompt,
        attention_mask=mask,
        max_new_tokens=most_tokens,
        do_sample=False,
        pad_token_id=END_ID,
    )
    said = out[0, len(ids) :].tolist()
    ended = END_ID in said
    return tokenizer.decode(said[: said.index(END_ID)] if ended else said), ended


def test_forks_go_the_models_own_way_after_a_second_choice(tmp_path) -> None:
    tokenizer, pen = toy_tokenizer(), writer(tmp_path)
    answered = {row.messages[0]: row for row in pen.answer(prompts(5), lambda *_: True)}
    forked = pen.fork(prompts(5), 2, lambda *_: True)
    assert len(forked) == len(set(forked)) >= 5
    for row in forked:
        said = answered[row.messages[0]].messages[-1].content
        assert said.startswith(row.begun[:-1])
        assert not said.startswith(row.begun)
        begun = tokenizer.encode(row.begun, add_special_tokens=False)
        assert (row.messages[-1].content, row.complete) == greedy(row, begun, 6)
    # Another process knows them from the cache.
    assert writer(tmp_path).fork(prompts(5), 2, never) == forked


def test_of_two_tokens_as_likely_a_fork_takes_the_other(tmp_path, monkeypatch) -> None:
    def ambiguous() -> LlamaForCausalLM:
        model = toy_writing()
        rows = model.get_input_embeddings().weight.data
        rows[1:94:2] = rows[0:94:2]
        return model

    pen = Writer(ambiguous(), toy_tokenizer(), [END_ID], tmp_path / "answers.jsonl")
    answered = {row.messages[0]: row for row in pen.answer(prompts(5), lambda *_: True)}
    forked = pen.fork(prompts(5), 3, lambda *_: True)
    assert len(forked) >= 5
    for row in forked:
        said = answered[row.messages[0]].messages[-1].content
        assert said.startswith(row.begun[:-1])
        assert not said.startswith(row.begun)


def test_only_likely_choices_are_forks(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(synthesis, "LIKELY", 1.0)
    pen = writer(tmp_path)
    pen.answer(prompts(5), lambda *_: True)
    assert pen.fork(prompts(5), 3, never) == []


def test_no_fork_begins_with_half_a_sign(tmp_path) -> None:
    # The toy says bytes as they come.
    pen = Writer(toy_model(), toy_tokenizer(), [END_ID], tmp_path / "answers.jsonl")
    pen.answer(prompts(20), lambda *_: True)
    forked = pen.fork(prompts(20), 8, lambda *_: True)
    assert forked
    assert not any("\ufffd" in row.begun for row in forked)


def test_answers_of_a_cache_without_forks_are_written_again(tmp_path) -> None:
    first = writer(tmp_path).answer(prompts(2), lambda *_: True)
    cache = tmp_path / "answers.jsonl"
    lines = [json.loads(line)[:3] for line in cache.read_text().splitlines()]
    cache.write_text("".join(json.dumps(line) + "\n" for line in lines))
    pen = writer(tmp_path)
    assert pen.answer(prompts(2), lambda *_: True) == first
    assert pen.fork(prompts(2), 1, lambda *_: True)


def never(*_seen: int) -> bool:
    raise AssertionError("all of it is known")


def test_rows_that_the_model_did_not_answer_have_no_forks(tmp_path) -> None:
    rows = [Row((Message("user", "Q"), Message("assistant", "A"))), Row(text="t")]
    assert writer(tmp_path).fork([*rows, *prompts(2)], 3, never) == []


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
    cache.write_text(cache.read_text()[:-8])
    assert writer(tmp_path).answer(prompts(2), lambda *_: True) == first


def test_rows_not_reached_in_time_are_left_out(tmp_path) -> None:
    answered = writer(tmp_path).answer(prompts(10), lambda *_: False)
    assert 0 < len(answered) <= 4


def test_answered_rows_pass_through(tmp_path) -> None:
    row = Row((Message("user", "Q"), Message("assistant", "A")))
    assert writer(tmp_path).answer([row, Row(text="t")], lambda *_: True) == [row, Row(text="t")]


def test_family_rows_are_of_the_training_split() -> None:
    rows = family_rows(3, seed=4)
    assert {row.family for row in rows} == {*CHECKABLE, *OPEN}
    assert {split_of(row.messages[0].content) for row in rows} == {"train"}
