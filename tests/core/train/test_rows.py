"""What the rows of a run are: the user's, and chats about their passages."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from core.documents.records import Row
from core.engine.request import Message
from core.errors import Cancelled, KnownError
from core.jsonl import read_events
from core.train import synthesis, wishes
from core.train.reporter import Reporter
from core.train.rows import ROWS_FILE, _Progress, gather_rows
from core.train.spec import TrainSpec
from core.train.synthesis import Advance, Writer
from core.train.wishes import Wishes
from tests.core.toy import END_ID, toy_model, toy_tokenizer

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
    return gather_rows(tmp_path, spec, cast("Any", writer), reporter, Wishes(tmp_path))


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
        gather_rows(tmp_path, spec, cast("Any", writer), reporter, Wishes(tmp_path))


def test_rows_that_cannot_be_kept_are_named(tmp_path) -> None:
    (tmp_path / ROWS_FILE / "in the way").mkdir(parents=True)
    with pytest.raises(KnownError, match="The rows of the run could not be written"):
        gather(tmp_path, "text", FakeWriter(""))


class Clock(Wishes):
    """Wishes by a clock that goes on by ten seconds with each look at it."""

    looks = 0

    def now(self) -> float:
        self.looks += 1
        return 10.0 * self.looks


def test_the_writing_ends_once_its_share_of_the_minutes_is_over(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(synthesis, "ANSWER_TOKENS", 12)
    monkeypatch.setattr(synthesis, "BATCH", 4)
    prompts = tmp_path / "p.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": f"Pump {n}?"}) + "\n" for n in range(40)))
    spec = TrainSpec(model="m", out="o", data=(str(prompts),), minutes=3.0)
    cache = tmp_path / "answers.jsonl"
    writer = Writer(toy_model(), toy_tokenizer(), [END_ID], cache, pytest.fail)
    rows = gather_rows(tmp_path, spec, writer, Reporter(tmp_path), Clock(tmp_path))
    # A third of the time are six looks: one before the first batch, one behind each.
    assert len(cache.read_text().splitlines()) == 5 * 4
    assert 0 < len(rows) <= 6 * 4


def test_a_pause_holds_the_writing_and_its_time_does_not_count(tmp_path) -> None:
    wish = Wishes(tmp_path)
    advance = _Progress(Reporter(tmp_path), wish, wish.now() + 1.0)
    wishes.pause(tmp_path)
    threading.Timer(1.5, wishes.go_on, [tmp_path]).start()
    began = time.monotonic()
    assert advance(1, 2)
    assert time.monotonic() - began > 1.0
    said = [one.message for one in read_events(tmp_path / "events.jsonl")]
    assert said == ["Paused.", "Going on.", "1 of 2 written by the model."]


def test_a_stop_ends_a_pause_of_the_writing(tmp_path) -> None:
    wishes.pause(tmp_path)
    threading.Timer(0.3, wishes.ask_to_stop, [tmp_path]).start()
    with pytest.raises(Cancelled):
        _Progress(Reporter(tmp_path), Wishes(tmp_path), float("inf"))(1, 2)
