"""Rows as the model will read them, and how long they are."""

from __future__ import annotations

import pytest

from core.documents.records import Row
from core.engine.prompt import render
from core.engine.request import Message
from core.train.data import to_samples
from core.train.passages import into_passages, question_row, split_passages
from core.train.preview import (
    TEMPLATE_TOKENS,
    TURN_TOKENS,
    Preview,
    length_histogram,
    new_preview,
    render_row,
)
from core.train.spec import ANSWER_TOKENS, Passages
from tests.core.toy import END, END_ID, save_toy, toy_tokenizer

CHAT = Row((Message("user", "Hi"), Message("assistant", "Hello you")))
SENTENCE = "The pump of line three was greased on Monday by the day shift."
TEXT = Row(text=" ".join([SENTENCE] * 20))
"""Three passages."""


def look(*rows: Row, context: int = 5000, passages: Passages = "chats") -> Preview:
    preview = Preview(toy_tokenizer(), END_ID, context, passages)
    for row in rows:
        preview.add(row)
    return preview


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
    assert row.becomes == "answered"
    assert row.given.endswith("<|im_start|>assistant\n")
    assert row.learned == ""


def test_a_text_is_shown_in_the_passages_that_are_trained_on() -> None:
    preview = look(TEXT, passages="text")
    passages = split_passages(TEXT.text)
    assert [row.given + row.learned for row in preview.rendered] == passages
    assert {(row.becomes, bool(row.learned)) for row in preview.rendered} == {("learned", True)}
    assert (preview.rows, preview.texts, preview.pieces) == (1, 1, 3)
    assert preview.lengths == [row.tokens for row in preview.rendered]
    assert not preview.writes


def test_what_a_passage_is_asked_is_shown_while_nothing_is_learned_yet() -> None:
    preview = look(TEXT)
    asked = [question_row(one).messages for one in into_passages([TEXT])]
    shown = [render(toy_tokenizer(), messages)[0] for messages in asked]
    assert [row.given for row in preview.rendered] == shown
    assert {(row.becomes, row.learned) for row in preview.rendered} == {("asked about", "")}
    assert "question about this passage" in preview.rendered[0].about
    assert preview.lengths == look(TEXT, passages="text").lengths
    assert preview.writes


def test_both_show_a_passage_and_its_question() -> None:
    rendered = look(TEXT, passages="both").rendered
    assert [row.becomes for row in rendered] == ["learned", "asked about", "learned"]
    assert rendered[0].given + rendered[0].learned in rendered[1].given


def test_a_passage_too_short_to_be_asked_about_is_told() -> None:
    short = Row(text="The pump was greased.")
    preview = look(short)
    assert [row.becomes for row in preview.rendered] == ["too short"]
    assert not preview.writes
    # Nothing is asked, so such texts stay; beside passages that are asked about they do not.
    assert preview.tokens == look(short, passages="text").tokens > 0
    assert look(short, TEXT).tokens == look(TEXT).tokens
    assert [row.becomes for row in look(short, passages="both").rendered] == ["learned"]


def test_rows_of_chosen_columns_come_first() -> None:
    preview = look(CHAT, CHAT, CHAT)
    preview.add(Row((Message("user", "Chosen"),)), is_mapped=True)
    assert [row.becomes for row in preview.rendered] == ["answered", "learned", "learned"]
    assert "Chosen" in preview.rendered[0].given


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
    ("row", "passages", "longest"),
    [
        (Row((Message("user", "x" * 10), Message("assistant", "y" * 9))), "chats", 20 + 48),
        (Row((Message("user", "x" * 10),)), "chats", 10 + 40 + ANSWER_TOKENS),
        (Row((Message("user", "x" * 400),)), "chats", 300),
        (Row(text="short"), "text", 5 + TEMPLATE_TOKENS),
        (Row(text="short"), "chats", 5 + TEMPLATE_TOKENS),
        (Row(text=SENTENCE), "chats", 300),
    ],
)
def test_the_longest_row_counts_template_and_answer(row, passages, longest) -> None:
    assert look(row, context=300, passages=passages).longest == longest


def test_tokens_of_all_rows_follow_from_the_counted_ones(monkeypatch) -> None:
    monkeypatch.setattr("core.train.preview.COUNTED_ROWS", 2)
    assert look().tokens == 0
    chat = Row((Message("user", "x" * 400), Message("assistant", "y")))
    preview = look(chat, TEXT, context=100, passages="text")  # of four two are counted
    assert len(preview.lengths) == 2
    assert preview.tokens == (100 + preview.lengths[1]) * 2
    assert preview.longest == 100


def test_tokens_count_the_chats_about_passages(monkeypatch) -> None:
    around = TEMPLATE_TOKENS + TURN_TOKENS + ANSWER_TOKENS
    preview = look(TEXT)
    all_three = sum(preview.lengths) + 3 * around
    assert preview.tokens == all_three
    assert look(TEXT, passages="both").tokens == all_three + sum(preview.lengths)
    monkeypatch.setattr("core.train.preview.MOST_ASKED", 1)
    assert look(TEXT).tokens == all_three // 3


@pytest.mark.parametrize(
    ("lengths", "bins"),
    [([], []), ([5000], [("over 4096", 1)]), ([16, 17], [("up to 16", 1), ("up to 32", 1)])],
)
def test_bins_reach_from_the_shortest_to_the_longest(lengths, bins) -> None:
    assert length_histogram(lengths) == bins
