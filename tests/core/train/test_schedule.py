"""Minutes become steps, by a probe and by the pace."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from core.train.schedule import STEPS_BETWEEN, Schedule
from core.train.spec import COMPARING_SHARE, TrainSpec

ONE_RANK: Any = SimpleNamespace(is_main_process=True, wait_for_everyone=lambda: None)
TRAINING = 1000 * 60 * (1 - COMPARING_SHARE)
"""Seconds of a thousand minutes that the comparison leaves."""


@pytest.fixture
def schedule(tmp_path) -> Schedule:
    spec = TrainSpec("m", "o", minutes=1000, eval_every=10)
    made = Schedule(spec, tmp_path, ONE_RANK)
    assert made.total == 0
    made.fix(0, 0.0, step_seconds=4.0, eval_seconds=0.0)
    return made


def follow(schedule: Schedule, pace: float, first: int = 1) -> bool:
    """Take as many steps as lie between two counts, at a pace."""
    last = first + STEPS_BETWEEN - 1
    changed = [schedule.follow(n, n * pace, pace, 0.0) for n in range(first, last + 1)]
    assert not any(changed[:-1])
    return changed[-1]


def test_the_probe_fixes_them(schedule: Schedule) -> None:
    assert schedule.total == int(TRAINING / 4)


def test_evaluations_take_their_part(schedule: Schedule) -> None:
    schedule.fix(0, 0.0, step_seconds=4.0, eval_seconds=10.0)
    assert schedule.total == int((TRAINING - 10) / (4 + 10 / 10))


def test_a_quicker_pace_makes_them_more(schedule: Schedule) -> None:
    assert follow(schedule, 2.0)
    assert schedule.total == int(TRAINING / 2)


def test_the_same_pace_leaves_them(schedule: Schedule) -> None:
    assert not follow(schedule, 4.0)


def test_a_run_that_is_late_ends_where_it_is(schedule: Schedule) -> None:
    assert follow(schedule, TRAINING)
    assert schedule.total == STEPS_BETWEEN


def test_they_are_found_again(schedule: Schedule, tmp_path) -> None:
    follow(schedule, 2.0)
    spec = TrainSpec("m", "o", minutes=1000, eval_every=10)
    assert Schedule(spec, tmp_path, ONE_RANK).total == schedule.total


def test_given_steps_stay(tmp_path) -> None:
    fixed = Schedule(TrainSpec("m", "o", steps=7), tmp_path, ONE_RANK)
    assert not any(fixed.follow(n, 0.0, 1.0, 0.0) for n in range(1, 8))
    assert fixed.total == 7
