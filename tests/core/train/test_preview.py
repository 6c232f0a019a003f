"""Rows as the model will read them, and how long they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.documents.records import Record, Row
from core.documents.report import FileReport
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
)
from core.train.rendered import measure, render_row
from core.train.spec import ANSWER_TOKENS, Passages
from tests.core.toy import END, END_ID, save_toy, toy_tokenizer

CHAT = Row((Message("user", "Hi"), Message("assistant", "Hello you")))
ASKED = Row((Message("user", "Hi"),))
SENTENCE = "The pump of line three was greased on Monday by the day shift."
TEXT = Row(text=" ".join([SENTENCE] * 20))
"""Three passages."""


def look(*rows: Row, context: int = 5000, passages: Passages = "chats") -> Preview:
    preview = Preview(toy_tokenizer(), END_ID, context, passages)
    for number, row in enumerate(rows, start=1):
        preview.add(record(row, number))
    return preview


def record(row: Row, number: int = 1, file: str = "a", columns: tuple[str, ...] = ()) -> Record:
    return Record(file, f"line {number}", row, columns)


def chat(prompt: str, answer: str) -> Row:
    return Row((Message("user", prompt), Message("assistant", answer)))


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
    whole = measure(CHAT, toy_tokenizer(), END_ID).whole
    row = render_row(CHAT, toy_tokenizer(), END_ID, whole - 2)
    assert row.learned == "ello yo"
    assert row.about == f"{whole - 2} tokens, cut at the end of the context"


@pytest.mark.parametrize("row", [CHAT, Row((Message("user", "Hi"),))])
def test_a_row_whose_prompt_fills_the_context_is_shown_as_left_out(row) -> None:
    length = measure(row, toy_tokenizer(), END_ID)
    shown = render_row(row, toy_tokenizer(), END_ID, length.prompt)
    assert (shown.becomes, shown.learned, shown.tokens) == ("left out", "", length.whole)
    assert render_row(row, toy_tokenizer(), END_ID, length.prompt + 2).becomes != "left out"


@pytest.mark.parametrize("complete", [True, False])
def test_a_chat_is_as_long_as_what_is_trained_on(complete) -> None:
    row = replace(CHAT, complete=complete)
    [sample] = to_samples(row, toy_tokenizer(), END_ID, 10**6)
    length = measure(row, toy_tokenizer(), END_ID)
    assert (length.whole, length.prompt) == (len(sample.token_ids), sample.first + 1)
    assert look(row).lengths == [length.whole]


def test_rows_that_are_cut_or_left_out_are_told_with_their_places() -> None:
    context = measure(CHAT, toy_tokenizer(), END_ID).whole
    preview = Preview(toy_tokenizer(), END_ID, context, "text")
    rows = [CHAT, chat("Hi", "Hello you there"), chat("x" * 99, "y"), Row(text="x" * 300)]
    found = [one for n, row in enumerate(rows, 1) for one in preview.add(record(row, n))]
    assert [(one.file, one.place, one.kind, one.why) for one in found] == [
        ("a", "line 2", "over-long", f"its answer is cut at the end of the context of {context} "
         "tokens"),
        ("a", "line 3", "over-long", "it is left out of the training: its prompt alone fills the "
         f"context of {context} tokens"),
    ]  # fmt: skip
    assert (preview.cut, preview.left_out, preview.divided) == (1, 1, 1)
    assert preview.about_lengths.endswith(
        f"Beyond the context of {context} tokens: 1 chat cut, 1 passage divided, 1 chat left out."
    )


def test_passages_are_divided_only_where_they_are_learned_from() -> None:
    assert look(TEXT, context=20, passages="text").divided == 3
    asked = look(TEXT, context=20)
    assert asked.divided == 0
    assert {row.becomes for row in asked.rendered} == {"asked about"}


def test_a_chat_that_the_template_refuses_is_told_and_shown() -> None:
    preview = look()
    preview.tokenizer.chat_template = "{{ raise_exception('no') }}"
    [finding] = preview.add(record(CHAT))
    assert (finding.kind, finding.place) == ("skipped", "line 1")
    assert "left out of the training: The model's chat template refuses" in finding.why
    assert preview.rendered[0].becomes == "left out"


def test_one_row_of_each_shape_and_file_is_shown_before_more_of_the_same() -> None:
    preview = Preview(toy_tokenizer(), END_ID, 5000, "text")
    asked = Row((Message("user", "Asked"),))
    turns = Row((*CHAT.messages, *CHAT.messages))
    given = [("a", TEXT), *[("a", CHAT)] * 5, ("b", CHAT), ("c", asked), ("d", turns)]
    for number, (file, row) in enumerate(given, start=1):
        preview.add(record(row, number, file))
    assert [one.source for one in preview.rendered] == [
        "a, line 1", "a, line 2", "c, line 8", "d, line 9", "b, line 7"
    ]  # fmt: skip


def test_tokens_of_a_file_are_counted_or_follow_from_its_words(monkeypatch) -> None:
    monkeypatch.setattr("core.train.preview.COUNTED_ROWS", 2)
    preview = Preview(toy_tokenizer(), END_ID, 5000, "text")
    for file in ("a", "b", "c"):
        preview.add(record(Row(text="six words are in this text"), file=file))
    files = [FileReport("a", words=6), FileReport("c", words=12)]
    counted = preview.lengths[0]
    assert [preview.tokens_of(file) for file in files] == [counted, 2 * counted]


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
    assert [row.becomes for row in rendered[:3]] == ["learned", "asked about", "learned"]
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
    preview.add(record(Row((Message("user", "Chosen"),)), columns=("Frage",)))
    assert [row.becomes for row in preview.rendered] == ["answered", *["learned"] * 3]
    assert "Chosen" in preview.rendered[0].given


def test_the_first_rows_are_shown_and_all_are_counted(tmp_path) -> None:
    save_toy(tmp_path)
    preview = new_preview(tmp_path, 30)
    assert isinstance(preview, Preview)
    for size in (10, 20, 40, 50):
        preview.add(record(Row(text="x" * size)))
    preview.add(record(Row((Message("user", "Hi"),))))
    preview.add(record(Row(text="more")))
    assert len(preview.rendered) == 5
    assert (preview.rows, preview.texts, preview.unanswered) == (6, 5, 1)
    assert (preview.divided, preview.left_out) == (2, 1)
    prompt = measure(Row((Message("user", "Hi"),)), preview.tokenizer, END_ID).prompt
    assert sorted(preview.lengths) == sorted([10, 20, 40, 50, prompt, 4])


@pytest.mark.parametrize(
    ("row", "passages", "longest"),
    [
        (CHAT, "chats", measure(CHAT, toy_tokenizer(), END_ID).whole),
        (ASKED, "chats", measure(ASKED, toy_tokenizer(), END_ID).prompt + ANSWER_TOKENS),
        (chat("x", "y" * 400), "chats", 300),
        (chat("x" * 400, "y"), "chats", 0),
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
    preview = look(
        chat("x", "y" * 400), TEXT, context=100, passages="text"
    )  # of four two are counted
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
