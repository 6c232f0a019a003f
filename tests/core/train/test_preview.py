"""Rows as the model will read them, and how long they are."""

from __future__ import annotations

import pytest

from core.documents.records import Row
from core.engine.request import Message
from core.train.data import to_samples
from core.train.preview import (
    TEMPLATE_TOKENS,
    Preview,
    length_histogram,
    new_preview,
    render_row,
)
from core.train.spec import ANSWER_TOKENS
from tests.core.toy import END, END_ID, save_toy, toy_tokenizer

CHAT = Row((Message("user", "Hi"), Message("assistant", "Hello you")))


def test_a_chat_shows_its_template_and_what_is_learned_from_it() -> None:
    tokenizer = toy_tokenizer()
    row = render_row(CHAT, tokenizer, END_ID, 200)
    [sample] = to_samples(CHAT, tokenizer, END_ID, 200)
    assert row.given + row.learned == tokenizer.decode(list(sample.token_ids))
    # The answer's first token is slot 1, which is the base model's own.
    assert row.given.endswith("<|im_start|>assistant\nH")
    assert row.learned == f"ello you{END}"
    assert row.tokens == len(sample.token_ids)


def test_a_row_is_shown_cut_to_the_context() -> None:
    row = render_row(Row(text="abcdefgh"), toy_tokenizer(), END_ID, 5)
    assert (row.given, row.learned, row.tokens) == ("ab", "cde", 5)


def test_a_prompt_alone_shows_where_the_model_will_answer() -> None:
    row = render_row(Row((Message("user", "Hi"),)), toy_tokenizer(), END_ID, 200)
    assert row.lacks_answer
    assert row.given.endswith("<|im_start|>assistant\n")
    assert row.learned == ""


def test_the_first_rows_are_shown_and_all_are_counted(tmp_path) -> None:
    save_toy(tmp_path)
    preview = new_preview(tmp_path, 30)
    assert isinstance(preview, Preview)
    for size in (10, 20, 40, 50):
        preview.add(Row(text="x" * size))
    preview.add(Row((Message("user", "Hi"),)))
    assert len(preview.rendered) == 3
    assert (preview.rows, preview.texts, preview.unanswered, preview.cut) == (5, 4, 1, 2)
    assert preview.histogram == [("up to 16", 2), ("up to 32", 1), ("up to 64", 2)]


@pytest.mark.parametrize(
    ("row", "longest"),
    [
        (Row((Message("user", "x" * 10), Message("assistant", "y" * 9))), 20 + 48),
        (Row((Message("user", "x" * 10),)), 10 + 40 + ANSWER_TOKENS),
        (Row((Message("user", "x" * 400),)), 300),
        (Row(text="short"), 300),
    ],
)
def test_the_longest_row_counts_template_and_answer(row, longest) -> None:
    preview = Preview(toy_tokenizer(), END_ID, 300)
    preview.add(row)
    assert preview.longest == longest


def test_tokens_of_all_rows_follow_from_the_counted_ones(monkeypatch) -> None:
    monkeypatch.setattr("core.train.preview.COUNTED_ROWS", 2)
    preview = Preview(toy_tokenizer(), END_ID, 100)
    assert preview.tokens == 0
    preview.add(Row((Message("user", "x" * 400), Message("assistant", "y"))))
    preview.add(Row(text="x" * 400))
    for _ in range(2):
        preview.add(Row(text="uncounted"))
    text = 400 + (preview.lengths[1] - 400) + TEMPLATE_TOKENS
    assert preview.tokens == (100 + 2 * text) * 2


@pytest.mark.parametrize(
    ("lengths", "bins"),
    [([], []), ([5000], [("over 4096", 1)]), ([16, 17], [("up to 16", 1), ("up to 32", 1)])],
)
def test_bins_reach_from_the_shortest_to_the_longest(lengths, bins) -> None:
    assert length_histogram(lengths) == bins
