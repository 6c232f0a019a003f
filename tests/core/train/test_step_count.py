"""Minutes become steps, by a probe and by the pace."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import KnownError
from core.train.spec import COMPARING_SHARE, TrainSpec
from core.train.step_count import STEPS_BETWEEN, StepCount

ONE_RANK: Any = SimpleNamespace(is_main_process=True, num_processes=1)
SPEC = TrainSpec("m", "o", minutes=1000, eval_every=10)
TRAINING = 1000 * 60 * (1 - COMPARING_SHARE)
"""Seconds of a thousand minutes that the comparison leaves."""


@pytest.fixture
def count(tmp_path) -> StepCount:
    made = StepCount(SPEC, tmp_path, ONE_RANK)
    assert made.total == 0
    made.fix(0, 0.0, step_seconds=4.0, eval_seconds=0.0)
    return made


def follow(count: StepCount, pace: float, first: int = 1) -> bool:
    """Take as many steps as lie between two counts, at a pace."""
    last = first + STEPS_BETWEEN - 1
    changed = [count.follow(n, n * pace, pace, 0.0) for n in range(first, last + 1)]
    assert not any(changed[:-1])
    return changed[-1]


def test_the_probe_fixes_them(count: StepCount) -> None:
    assert count.total == int(TRAINING / 4)


def test_evaluations_take_their_part(count: StepCount) -> None:
    count.fix(0, 0.0, step_seconds=4.0, eval_seconds=10.0)
    assert count.total == int((TRAINING - 10) / (4 + 10 / 10))


def test_a_quicker_pace_makes_them_more(count: StepCount) -> None:
    assert follow(count, 2.0)
    assert count.total == int(TRAINING / 2)


def test_the_same_pace_leaves_them(count: StepCount) -> None:
    assert not follow(count, 4.0)


def test_a_run_that_is_late_ends_where_it_is(count: StepCount) -> None:
    assert count.follow(1, TRAINING, TRAINING, 0.0)
    assert count.total == 1


def test_slow_steps_are_counted_anew_before_there_are_many(count: StepCount) -> None:
    pace = TRAINING / 10
    assert count.follow(1, pace, pace, 0.0)
    assert count.total == 10


def test_a_probe_that_was_held_up_does_not_end_a_run_early(count: StepCount) -> None:
    count.fix(0, 0.0, step_seconds=TRAINING / 3, eval_seconds=0.0)
    assert count.total == 3
    assert not any(count.follow(n, 1.0 * n, 1.0, 0.0) for n in (1, 2))
    assert count.follow(3, 3.0, 1.0, 0.0)
    assert count.total == pytest.approx(TRAINING, rel=0.01)


def test_steps_end_once_no_other_fits(count: StepCount) -> None:
    assert not count.follow(count.total, TRAINING - 1.0, 4.0, 0.0)


def test_they_are_found_again_and_a_cold_first_step_does_not_change_them(
    count: StepCount, tmp_path
) -> None:
    follow(count, 2.0)
    again = StepCount(SPEC, tmp_path, ONE_RANK)
    assert again.total == count.total
    assert not again.follow(STEPS_BETWEEN * 5, STEPS_BETWEEN * 10.0, 60.0, 0.0)
    assert again.total == count.total


def test_given_steps_stay(tmp_path) -> None:
    fixed = StepCount(TrainSpec("m", "o", steps=70), tmp_path, ONE_RANK)
    assert not any(fixed.follow(n, 0.0, 1.0, 0.0) for n in range(1, 71))
    assert fixed.total == 70


def test_a_folder_that_is_gone_is_told(tmp_path) -> None:
    count = StepCount(SPEC, tmp_path / "gone", ONE_RANK)
    with pytest.raises(KnownError, match="cannot be written"):
        count.fix(0, 0.0, 1.0, 0.0)
