"""Documents become passages, passages become chats."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.records import Row
from core.engine.request import Message
from core.train.data import split_rows
from core.train.passages import (
    MOST_ASKED,
    PASSAGE_WORDS,
    chats_about,
    into_passages,
    question_rows,
    split_passages,
)
from core.train.reporter import Reporter
from core.train.rows import _Clock, _with_chats
from core.train.spec import TrainSpec
from core.train.wishes import Wishes

SENTENCE = "The pump of line three was greased on Monday by the day shift."


def answered(row: Row, answer: str) -> Row:
    return replace(row, messages=(*row.messages, Message("assistant", answer)))


def asked(*texts: str) -> list[Row]:
    rows = question_rows(into_passages([Row(text=text) for text in texts]), 0)
    return sorted(rows, key=lambda row: row.messages[0].content)


@given(st.text(alphabet="ab .\n\t?", max_size=3000))
def test_passages_hold_every_word_in_order(text) -> None:
    passages = split_passages(text)
    assert " ".join(passages).split() == text.split()
    assert all(0 < len(one.split()) <= PASSAGE_WORDS for one in passages)
    assert all(one in text for one in passages)  # with their line breaks


def test_sentences_stay_whole() -> None:
    passages = split_passages(" ".join([SENTENCE] * 20))
    assert len(passages) == 3
    assert all(one.endswith("shift.") for one in passages)


def test_texts_are_cut_and_chats_stay() -> None:
    chat = Row((Message("user", SENTENCE),))
    rows = into_passages([chat, Row(text=" ".join([SENTENCE] * 10), family="notes")])
    assert rows[0] == chat
    assert len(rows) == 3
    assert {row.family for row in rows[1:]} == {"notes"}
    assert len({row.passage for row in rows[1:]}) == 2


def test_long_enough_texts_are_asked_about_each_once() -> None:
    rows = question_rows(into_passages([Row(text=SENTENCE)] * 2 + [Row(text="Too short.")]), 0)
    assert [SENTENCE in row.messages[0].content for row in rows] == [True]


def test_of_too_many_passages_a_seeded_choice_is_taken() -> None:
    rows = into_passages([Row(text=f"{n} {SENTENCE}") for n in range(MOST_ASKED + 5)])
    chosen = question_rows(rows, 1)
    assert len(chosen) == MOST_ASKED
    assert chosen == question_rows(rows, 1) != question_rows(rows, 2)


def test_every_other_chat_carries_its_passage() -> None:
    rows = asked(f"0 {SENTENCE}", f"1 {SENTENCE}")
    first, second = chats_about([answered(row, '"Who greased the pump?"') for row in rows])
    assert first.messages == (Message("user", f"0 {SENTENCE}\n\nWho greased the pump?"),)
    assert second.messages == (Message("user", "Who greased the pump?"),)
    assert first.lacks_answer


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("Sure!\n- What is line three? It is a line.", "What is line three?"),
        ("Question: What was greased there? The pump.", "What was greased there?"),
        ("What?\nWhat was greased on Monday?", "What was greased on Monday?"),
        ("Why not?", None),
        ("It is a pump.", None),
        ("?", None),
        ("x" * 400 + "?", None),
    ],
)
def test_only_a_question_becomes_a_chat(answer, question) -> None:
    first, second = asked(f"0 {SENTENCE}", f"1 {SENTENCE}")
    chats = chats_about([answered(first, "Why was it greased?"), answered(second, answer)])[1:]
    assert [chat.messages[0].content for chat in chats] == ([question] if question else [])


def test_what_speaks_of_a_held_out_passage_is_not_trained_on() -> None:
    rows = into_passages([Row(text=f"{n} {SENTENCE}") for n in range(40)])
    chats = chats_about([answered(row, "Who greased the pump?") for row in question_rows(rows, 0)])
    train, held_out = split_rows([*rows, *chats], 10, 0)
    assert len(held_out) == 10
    assert not {row.passage for row in train} & {row.passage for row in held_out}


@pytest.mark.parametrize(("asked_about", "texts_left"), [(6, 0), (5, 10)])
def test_texts_stay_beside_the_chats_where_little_is_asked(
    asked_about, texts_left, tmp_path
) -> None:
    class Asking:
        def answer(self, rows, *_):
            return [
                answered(row, "Who greased the pump?" if number < asked_about else "Nobody.")
                for number, row in enumerate(rows)
            ]

    spec = TrainSpec("model", "out")
    rows = [Row(text=f"{n} {SENTENCE}") for n in range(10)]
    clock = _Clock(Reporter(tmp_path), Wishes(tmp_path), math.inf)
    found = _with_chats(rows, spec, Asking(), clock)
    assert len([row for row in found if row.text]) == texts_left
    assert len([row for row in found if row.messages]) == asked_about
