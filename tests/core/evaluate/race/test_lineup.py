"""Races of any models and adapters: loaded one after the other, reported in their order."""

from __future__ import annotations

import pytest

from core.control import Cancel
from core.engine.request import LoadSpec, Request
from core.errors import Cancelled
from core.evaluate.measure import NEXT_TOKEN, Measured, Way
from core.evaluate.race.lineup import Entry, Result, run_lineup, speedup
from core.evaluate.race.race import Racer
from tests.core.engine.harness import toy_session, user

FAST = Way("confadapt", 0.3)
OLD, NEW = LoadSpec("toy", "old"), LoadSpec("toy", "new")
REQUEST = Request(user("Count to ten."), max_new_tokens=12)


def run(*entries: Entry, runs: int = 2) -> tuple[list[Result], list[LoadSpec], list[int]]:
    """The results, what was loaded, and the progress."""
    loaded: list[LoadSpec] = []
    told: list[int] = []

    def open_session(load: LoadSpec, _progress: object):
        loaded.append(load)
        return toy_session()

    results = run_lineup(
        entries, REQUEST, runs, open_session, Cancel(), lambda _, done, __: told.append(done)
    )
    return results, loaded, told


def test_the_same_weights_are_loaded_once() -> None:
    entries = Entry("one", NEW, NEXT_TOKEN), Entry("fast", NEW, FAST)
    results, loaded, told = run(*entries)
    assert loaded == [NEW]
    assert [one.entry for one in results] == list(entries)
    assert [len(one.racer.laps) for one in results] == [2, 2]
    assert told == [0, 1, 2, 3, 4]


def test_others_are_loaded_one_after_the_other() -> None:
    entries = Entry("old", OLD, FAST), Entry("new", NEW, FAST)
    results, loaded, told = run(*entries, runs=1)
    assert loaded == [OLD, NEW]
    assert [one.racer.way for one in results] == [FAST, FAST]
    assert told[-1] == 2


def test_every_model_is_closed_and_a_cancel_is_heeded_while_loading() -> None:
    closed: list[str] = []
    stop = Cancel()

    class Session:
        def __init__(self, name: str) -> None:
            self._real, self._name = toy_session(), name

        def __getattr__(self, name: str):
            return getattr(self._real, name)

        def close(self) -> None:
            closed.append(self._name)

    def open_session(load: LoadSpec, progress):
        progress("Loading", 0, 0)
        if load == NEW:
            stop.set()
            progress("Loading", 1, 2)
        return Session(load.adapter)

    entries = Entry("old", OLD, FAST), Entry("new", NEW, FAST)
    with pytest.raises(Cancelled):
        run_lineup(entries, REQUEST, 1, open_session, stop, lambda *_: None)
    assert closed == ["old"]


def result(*seconds: float) -> Result:
    laps = tuple((Measured("a", (1,), 1, 1, 1, 0.1, 0.5, one), ()) for one in seconds)
    entry = Entry("", NEW, FAST)
    return Result(entry, Racer(FAST, laps, 1.0), toy_session().info)


def test_the_speedup_is_of_the_medians_and_its_ends_of_the_extremes() -> None:
    assert speedup(result(4.0, 6.0, 5.0), result(2.0, 2.5, 4.0)) == (2.0, 1.0, 3.0)
