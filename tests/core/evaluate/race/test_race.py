"""The race on the toy: medians, agreement, the ratio of wall-clock times."""

from __future__ import annotations

import dataclasses

import pytest

from core.control import Cancel
from core.engine.request import Request
from core.errors import Cancelled
from core.evaluate.measure import NEXT_TOKEN, Measured, Way
from core.evaluate.race.race import Race, Racer, race_report
from core.events import GenerationStarted
from tests.core.engine.harness import toy_session, user

FAST = Way("confadapt", 0.3)
REQUEST = Request(user("Count to ten."), max_new_tokens=20)


def new_race(runs=2):
    session = toy_session()
    return Race(session, REQUEST, (NEXT_TOKEN, FAST), runs, session.loaded.model)


def test_both_are_measured_and_reported():
    race = new_race()
    assert list(race.measure(Cancel())) == [1, 2, 3, 4]
    report = race_report(race.racers())
    slow, fast = report["results"]
    assert (slow["strategy"], slow["tokens_per_pass"], slow["agreement"]) == ("next_token", 1, 1)
    assert (fast["strategy"], fast["threshold"], fast["runs"]) == ("confadapt", 0.3, 2)
    assert fast["tokens"] == 20
    assert fast["passes"] < 20
    assert 0 < fast["agreement"] <= 1
    assert report["speedup"] == pytest.approx(slow["seconds"] / fast["seconds"])
    events = race.racers()[1].median_lap[1]
    assert isinstance(events[0], GenerationStarted)
    assert events[0].strategy == "confadapt"


def test_a_cancel_leaves_what_was_finished():
    race, stop = new_race(), Cancel()
    laps = race.measure(stop)
    next(laps)
    stop.set()
    with pytest.raises(Cancelled):
        next(laps)
    racers = race.racers()
    assert [racer.way for racer in racers] == [NEXT_TOKEN]
    assert race_report(racers)["speedup"] is None


def lap(seconds):
    return Measured("a", (1, 2), 2, 1, 1, 0.1, 0.5, seconds), ()


def test_the_median_run_stands_for_all():
    slow = Racer(NEXT_TOKEN, tuple(map(lap, (9.0, 4.0, 5.0))), 1.0)
    fast = Racer(FAST, tuple(map(lap, (1.0, 3.0, 2.5))), 0.5)
    assert slow.median_lap[0].seconds == 5.0
    report = race_report([slow, fast])
    assert report["speedup"] == 2.0
    assert report["rate_ratio"] == 1.0
    assert report["results"][0]["seconds_spread"] == (4.0, 9.0)
    even = dataclasses.replace(fast, laps=tuple(map(lap, (3.0, 1.0))))
    assert even.median_lap[0].seconds == 1.0
