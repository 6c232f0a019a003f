"""What the rows of a run are: the user's, and chats about their passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from core.documents.records import Row
from core.engine.request import Message
from core.errors import KnownError
from core.train.reporter import Reporter
from core.train.rows import gather_rows
from core.train.spec import TrainSpec
from core.train.synthesis import Advance

TEXT = "The pump of line three was greased on Monday by the day shift again."


class FakeWriter:
    """Answers every prompt with the same words."""

    def __init__(self, answer: str) -> None:
        self.answers = answer
        self.prompts: list[str] = []

    def answer(self, rows: Sequence[Row], _advance: Advance) -> list[Row]:
        self.prompts += [row.messages[-1].content for row in rows if row.lacks_answer]
        said = Message("assistant", self.answers)
        return [
            replace(row, messages=(*row.messages, said)) if row.lacks_answer else row
            for row in rows
        ]


def gather(tmp_path, passages: str, writer: FakeWriter) -> list[Row]:
    (tmp_path / "doc.txt").write_text(TEXT)
    spec = TrainSpec(
        model="m",
        out="o",
        data=(str(tmp_path / "doc.txt"),),
        steps=1,
        passages=cast("Any", passages),
    )
    reporter = Reporter(tmp_path, True)
    return gather_rows(tmp_path, spec, cast("Any", writer), reporter, lambda: False)


@pytest.mark.parametrize(
    ("passages", "texts", "chats"), [("text", 1, 0), ("chats", 0, 1), ("both", 1, 1)]
)
def test_texts_become_what_the_spec_says(tmp_path, passages, texts, chats) -> None:
    rows = gather(tmp_path, passages, FakeWriter("Who greased it?"))
    assert sum(not row.messages for row in rows) == texts
    assert sum(bool(row.messages) for row in rows) == chats
    assert not any(row.lacks_answer for row in rows)


def test_a_chat_is_asked_and_answered_by_the_model(tmp_path) -> None:
    writer = FakeWriter("Who greased it?")
    [chat] = gather(tmp_path, "chats", writer)
    assert [turn.content for turn in chat.messages] == [
        f"{TEXT}\n\nWho greased it?",
        "Who greased it?",
    ]
    assert len(writer.prompts) == 2
    assert TEXT in writer.prompts[0]


def test_texts_stay_where_the_model_asked_nothing(tmp_path) -> None:
    [row] = gather(tmp_path, "chats", FakeWriter("No."))
    assert row.text == TEXT


def test_gathered_rows_are_kept(tmp_path) -> None:
    first = gather(tmp_path, "both", FakeWriter("Who greased the pump?"))
    assert gather(tmp_path, "both", FakeWriter("never asked")) == first


def test_no_answer_in_time_is_named(tmp_path) -> None:
    writer = FakeWriter("Who greased the pump?")
    writer.answer = lambda *_: []  # type: ignore[method-assign]
    prompts = tmp_path / "p.jsonl"
    prompts.write_text('{"prompt": "Q"}\n')
    spec = TrainSpec(model="m", out="o", data=(str(prompts),), steps=1)
    reporter = Reporter(tmp_path, True)
    with pytest.raises(KnownError, match="No row got an answer"):
        gather_rows(tmp_path, spec, cast("Any", writer), reporter, lambda: False)
