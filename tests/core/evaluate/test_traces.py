"""Recorded answers from all kinds of files that Stride writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import KnownError
from core.evaluate.race.recording import shipped_race
from core.evaluate.traces import read_traces
from core.events import TRACE_VERSION
from core.history.export import write_export
from core.history.store import HistoryStore
from core.jsonl import dumps, to_dict
from tests.core.history.runs import a_run
from tests.fakes import ended, scripted_events, scripted_passes, started


def lines(*answers: str) -> str:
    return "\n".join(dumps(event) for text in answers for event in scripted_events(text)) + "\n"


def test_printed_events_are_one_trace_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "printed.jsonl"
    path.write_text(lines("one two three"), encoding="utf-8")
    [trace] = read_traces(path)
    assert trace.label == "printed.jsonl"
    assert list(trace.passes) == scripted_passes("one two three")
    path.write_text(lines("one two", "three"), encoding="utf-8")
    assert [one.label for one in read_traces(path)] == ["printed.jsonl, 1", "printed.jsonl, 2"]


def test_a_broken_off_answer_keeps_its_passes(tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    whole = lines("one two three four five six seven")
    path.write_text(whole[: len(whole) * 2 // 3], encoding="utf-8")
    assert 0 < len(read_traces(path)[0].passes) < 6


def test_a_race_gives_the_answer_of_every_side() -> None:
    traces = read_traces(shipped_race())
    assert len(traces) == 2
    assert len(traces[0].passes) < len(traces[1].passes)  # several tokens a pass come first


def test_exported_runs_give_their_answers(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    with HistoryStore(tmp_path / "stride.db") as store:
        for name in ("one", "two"):
            store.save_run(a_run(name, title=f"Question {name}"), scripted_events())
        store.save_run(a_run("three", kind="bench"))
        write_export(store, ["one", "two", "three"], "json", path)
    assert [one.label for one in read_traces(path)] == ["Question one", "Question two"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no recorded answer"),
        ("[1, 2]", "neither a race nor runs"),
        ('{"format": "stride-runs", "version": 1, "runs": [{"title": "x"}]}', "'trace'"),
        ('{"format": "stride-runs", "version": 1, "runs": 5}', "cannot be read"),
        ('{"format": "stride-runs", "version": 2, "runs": []}', "this version"),
        ('{"format": "stride-runs", "version": 1, "runs": []}', "no recorded answer"),
        ("no json\nat all\n", "line 1 is not JSON"),
        ('{"event": "unheard"}\n{"event": "of"}\n', "Not a Stride event"),
        (json.dumps({"format": "stride-race", "version": 9}), "version 9"),
    ],
)
def test_what_is_no_trace_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KnownError, match=said):
        read_traces(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"confidences": [0.5]},
        {"seconds": None},
        {"seconds": float("nan")},
        {"token_ids": []},
        {"confidences": ["sure"] * 3},
    ],
)
def test_passes_that_contradict_themselves_are_refused(tmp_path: Path, changes: dict) -> None:
    events = [to_dict(event) for event in scripted_events("one two three")]
    events[1] |= changes
    path = tmp_path / "wrong.jsonl"
    path.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    with pytest.raises(KnownError, match="cannot be read"):
        read_traces(path)


def test_a_trace_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    passes = scripted_passes("one two three")
    events = (started(version=TRACE_VERSION + 1), *passes, ended(passes))
    path.write_text("".join(f"{dumps(one)}\n" for one in events), encoding="utf-8")
    with pytest.raises(KnownError, match="version 2, not 1"):
        read_traces(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnownError, match="cannot be read"):
        read_traces(tmp_path / "missing.jsonl")
