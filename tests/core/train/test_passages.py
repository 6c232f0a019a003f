"""Documents become passages, passages become chats."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.records import Row
from core.engine.request import Message
from core.train.passages import (
    FEWEST_WORDS,
    MOST_PASSAGES,
    PASSAGE_WORDS,
    chats_about,
    passages_of,
    question_row,
    split_passages,
)

SENTENCE = "The pump of line three was greased on Monday by the day shift."


def answered(passage: str, answer: str) -> Row:
    row = question_row(passage)
    return replace(row, messages=(*row.messages, Message("assistant", answer)))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12))
def test_passages_hold_every_word_but_those_of_too_short_ends(sizes) -> None:
    text = " ".join(" ".join(["word"] * size) + "." for size in sizes)
    passages = split_passages(text)
    assert all(FEWEST_WORDS <= len(one.split()) <= PASSAGE_WORDS for one in passages)
    kept = sum(len(one.split()) for one in passages)
    # A short piece stays alone only beside one that leaves it no room.
    assert sum(sizes) - kept <= (FEWEST_WORDS - 1) * (len(sizes) + 1)


def test_sentences_stay_whole() -> None:
    passages = split_passages(" ".join([SENTENCE] * 20))
    assert len(passages) == 3
    assert all(one.endswith("shift.") for one in passages)


def test_passages_come_from_texts_alone_each_once() -> None:
    chat = Row((Message("user", SENTENCE),))
    assert passages_of([chat, Row(text=SENTENCE), Row(text=SENTENCE)], 0) == [SENTENCE]


def test_of_too_many_passages_a_seeded_choice_is_taken() -> None:
    rows = [Row(text=f"{n} {SENTENCE}") for n in range(MOST_PASSAGES + 5)]
    chosen = passages_of(rows, 1)
    assert len(chosen) == MOST_PASSAGES
    assert chosen == passages_of(rows, 1) != passages_of(rows, 2)


def test_every_other_chat_carries_its_passage() -> None:
    asked = [answered(f"{n} {SENTENCE}", f'"Who greased pump {n}?"') for n in range(2)]
    first, second = chats_about(asked)
    assert first.messages == (Message("user", f"0 {SENTENCE}\n\nWho greased pump 0?"),)
    assert second.messages == (Message("user", "Who greased pump 1?"),)
    assert first.lacks_answer


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("Sure!\n- What is it? It is a pump.", "What is it?"),
        ("It is a pump.", None),
        ("?", None),
        ("x" * 400 + "?", None),
    ],
)
def test_only_a_question_becomes_a_chat(answer, question) -> None:
    chats = chats_about([answered("a", "Why?"), answered(SENTENCE, answer)])[1:]
    assert [chat.messages[0].content for chat in chats] == ([question] if question else [])
