"""A race that `stride race --json` printed comes back as it was."""

from __future__ import annotations

import json

import pytest

from core.control import Cancel
from core.engine.request import LoadSpec, Request
from core.errors import KnownError
from core.evaluate.measure import NEXT_TOKEN, Way
from core.evaluate.race.lineup import ONE_TOKEN, Entry, Result
from core.evaluate.race.race import Race
from core.evaluate.race.recording import new_recording, race_record, read_recording, shipped_race
from tests.core.engine.harness import toy_session, user


def raced():
    session = toy_session()
    request = Request(user("Count to ten."), max_new_tokens=12)
    race = Race(session, request, (NEXT_TOKEN, Way("confadapt", 0.3)), 3, session.loaded.model)
    list(race.measure(Cancel()))
    racers = race.racers()
    load = LoadSpec("toy")
    labels = (ONE_TOKEN, "toy adapter")
    results = [
        Result(Entry(label, load, racer.way), racer, session.info)
        for label, racer in zip(labels, racers, strict=True)
    ]
    return racers, race_record(new_recording("Count to ten.", results))


def test_a_recording_gives_the_race_back(tmp_path) -> None:
    racers, record = raced()
    path = tmp_path / "race.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    recording = read_recording(path)
    assert recording.facts["prompt"] == "Count to ten."
    assert [one.entry.label for one in recording.results] == [ONE_TOKEN, "toy adapter"]
    assert json.loads(json.dumps(race_record(recording))) == json.loads(json.dumps(record))
    for result, racer in zip(recording.results, racers, strict=True):
        assert result.racer.way == racer.way
        assert result.racer.agreement == racer.agreement
        assert result.racer.median_lap == racer.median_lap
        assert [lap[0] for lap in result.racer.laps] == [lap[0] for lap in racer.laps]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "of version 2"),
        ({"format": "stride-runs"}, "holds a stride-runs"),
        ({"results": [{}]}, "cannot be read"),
        ({"machine": None, "results": None}, "cannot be read"),
    ],
)
def test_another_file_is_refused_in_words(tmp_path, change, words) -> None:
    path = tmp_path / "race.json"
    path.write_text(json.dumps(raced()[1] | change), encoding="utf-8")
    with pytest.raises(KnownError, match=words):
        read_recording(path)


def test_a_missing_or_torn_file_is_refused_in_words(tmp_path) -> None:
    torn = tmp_path / "torn.json"
    torn.write_text('{"format": "stride-', encoding="utf-8")
    for path in (torn, tmp_path / "gone.json"):
        with pytest.raises(KnownError, match="cannot be read"):
            read_recording(path)


def test_the_shipped_race_is_one_token_against_the_starter() -> None:
    recording = read_recording(shipped_race())
    one, other = recording.results
    assert (one.racer.way, other.racer.way.name) == (NEXT_TOKEN, "confadapt")
    assert {"cpu", "cores", "gpus"} <= recording.facts["machine"].keys()
