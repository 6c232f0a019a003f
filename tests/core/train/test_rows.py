"""What the rows of a run are: the user's, and chats about their passages."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.documents.records import Found, Record, Row
from core.documents.report import Report
from core.engine.request import Message
from core.errors import Cancelled, KnownError
from core.jsonl import read_events
from core.train import synthesis, wishes
from core.train.reporter import Reporter
from core.train.rows import ROWS_FILE, _Clock, gather_rows
from core.train.spec import TrainSpec
from core.train.synthesis import Writer
from core.train.wishes import Wishes
from tests.core.toy import END_ID, toy_model, toy_tokenizer

TEXT = "The pump of line three was greased on Monday by the day shift again."


class FakeWriter:
    """Answers every prompt with the same words."""

    def __init__(self, answer: str) -> None:
        self.answers = answer
        self.prompts: list[str] = []

    def answer(self, rows: Sequence[Row], *_: object) -> list[Row]:
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


def test_columns_that_no_table_has_are_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.csv").write_text("one,two\n1,2\n")
    data = (str(tmp_path / "a.txt"), str(tmp_path / "b.csv"))
    spec = TrainSpec(model="m", out="o", data=data, steps=1, columns="prompt=zzz")
    writer = cast("Any", FakeWriter(""))
    with pytest.raises(KnownError, match="No table has the columns prompt=zzz"):
        gather_rows(tmp_path, spec, writer, Reporter(tmp_path), Wishes(tmp_path))


def test_rows_without_an_answer_are_counted(tmp_path) -> None:
    writer = FakeWriter("Yes.")
    answer_all = writer.answer
    writer.answer = lambda rows, *_: answer_all(rows)[:2]  # type: ignore[method-assign]
    (tmp_path / "p.jsonl").write_text('{"prompt": "Q"}\n{"prompt": "R"}\n{"prompt": "S"}\n')
    spec = TrainSpec(model="m", out="o", data=(str(tmp_path / "p.jsonl"),), steps=1)
    reporter = Reporter(tmp_path)
    assert len(gather_rows(tmp_path, spec, cast("Any", writer), reporter, Wishes(tmp_path))) == 2
    said = [one.message for one in read_events(tmp_path / "events.jsonl")]
    assert "1 of 3 rows got no answer in time, or a blank one: they are left out." in said


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


class Slowly(Wishes):
    """Wishes by a clock that only what is done moves on."""

    seconds = 0.0

    def now(self) -> float:
        return self.seconds


def test_the_writing_takes_a_third_of_the_minutes_and_not_a_batch_more(
    tmp_path, monkeypatch
) -> None:
    clock, batches = Slowly(tmp_path), []
    monkeypatch.setattr(synthesis, "time", SimpleNamespace(monotonic=clock.now))

    def answer(_writer: Writer, prompts: Sequence[object]) -> list[tuple[str, bool]]:
        batches.append(len(prompts))
        clock.seconds += 0.5 * len(prompts)
        return [("Yes.", True)] * len(prompts)

    monkeypatch.setattr(Writer, "_answers", answer)
    prompts = tmp_path / "p.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": f"Pump {n}?"}) + "\n" for n in range(400)))
    spec = TrainSpec(model="m", out="o", data=(str(prompts),), minutes=2.0)
    writer = Writer(toy_model(), toy_tokenizer(), [END_ID], tmp_path / "answers", 384, pytest.fail)
    rows = gather_rows(tmp_path, spec, writer, Reporter(tmp_path), clock)
    assert batches[0] == synthesis.TRIAL
    assert clock.seconds == 40.0
    assert len(rows) == sum(batches) == 80


def test_reading_leaves_time_for_writing_and_says_where_it_ended(tmp_path, monkeypatch) -> None:
    clock = Slowly(tmp_path)
    prompts = tmp_path / "p.jsonl"
    prompts.write_text("".join(json.dumps({"text": f"Pump {n}."}) + "\n" for n in range(1000)))
    spec = TrainSpec(model="m", out="o", data=(str(prompts),), minutes=2.0, passages="text")
    follow = Report.follow

    def slowly(
        report: Report, found: Iterable[Found], goes_on: Callable[[], bool]
    ) -> Iterator[Record]:
        for record in follow(report, found, goes_on):
            clock.seconds += 0.05
            yield record

    monkeypatch.setattr(Report, "follow", slowly)
    rows = gather_rows(tmp_path, spec, cast("Any", FakeWriter("")), Reporter(tmp_path), clock)
    assert 395 < len(rows) < 405  # of 40 seconds half are for reading
    said = [one.message for one in read_events(tmp_path / "events.jsonl")]
    assert any(one.endswith("rows read so far.") for one in said)
    assert f"Reading ended after {len(rows)} rows: its time was over." in said


def test_files_that_cannot_be_read_are_named(tmp_path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.txt").write_bytes(bytes(range(32)) * 9)
    data = (str(tmp_path / "a.txt"), str(tmp_path / "b.txt"))
    spec = TrainSpec(model="m", out="o", data=data, steps=1, passages="text")
    writer = cast("Any", FakeWriter(""))
    gather_rows(tmp_path, spec, writer, Reporter(tmp_path), Wishes(tmp_path))
    said = [one.message for one in read_events(tmp_path / "events.jsonl")]
    assert "Nothing could be read of b.txt." in said


def test_a_pause_holds_the_writing_and_its_time_does_not_count(tmp_path) -> None:
    wish = Wishes(tmp_path)
    clock = _Clock(Reporter(tmp_path), wish, 1.0)
    wishes.pause(tmp_path)
    threading.Timer(1.5, wishes.go_on, [tmp_path]).start()
    began = time.monotonic()
    assert clock.written(1, 2)
    assert time.monotonic() - began > 1.0
    said = [one.message for one in read_events(tmp_path / "events.jsonl")]
    assert said == ["Paused.", "Going on.", "1 of 2 written by the model."]


def test_a_stop_ends_a_pause_of_the_writing(tmp_path) -> None:
    wishes.pause(tmp_path)
    threading.Timer(0.3, wishes.ask_to_stop, [tmp_path]).start()
    with pytest.raises(Cancelled):
        _Clock(Reporter(tmp_path), Wishes(tmp_path), math.inf).written(1, 2)


def test_a_stop_ends_the_reading(tmp_path) -> None:
    wishes.ask_to_stop(tmp_path)
    with pytest.raises(Cancelled):
        _Clock(Reporter(tmp_path), Wishes(tmp_path), math.inf).read(Report())
