"""How far a run is, from its events."""

from __future__ import annotations

import pytest

from core.events import (
    CheckpointSaved,
    EvalDone,
    Notice,
    RunEnded,
    RunStarted,
    StepDone,
    StepsPlanned,
)
from core.train.progress import RunProgress


def step(number: int, seconds: float = 2.0) -> StepDone:
    return StepDone(number, 1.0 / number, 1e-3, 0.5, 100, seconds)


def start(first: int = 0) -> RunStarted:
    return RunStarted("run", {}, 10, first, {"pid": 7}, 0.0)


def test_figures_follow_the_events() -> None:
    progress = RunProgress()
    assert progress.seconds_left is None
    progress.take([Notice("load", "Loading."), start(), step(1), step(2), step(3, 4.0)])
    assert (progress.step, progress.share, progress.pid) == (3, 0.3, 7)
    assert progress.seconds_left == 14.0
    assert progress.slots_per_second == 300 / 8
    assert progress.losses == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert progress.phase == "train"
    progress.take([EvalDone(3, (0.5,), 2.0, 0.9, 1.0), CheckpointSaved(3, "/x")])
    assert (progress.evaluations[-1].tokens_per_pass, progress.checkpoint) == (2.0, 3)
    progress.take([RunEnded("stopped", 3, None, 9.0, 300, 5)])
    assert progress.ended is not None
    assert progress.seconds_left is None


def test_a_pause_shows_until_it_is_over() -> None:
    progress = RunProgress()
    progress.take([start(), Notice("pause", "Paused.")])
    assert progress.phase == "pause"
    progress.take([Notice("pause", "Going on.")])
    assert progress.phase == "train"


@pytest.mark.parametrize("phase", ["data", "synthesis"])
def test_a_pause_before_the_steps_leads_back_to_what_it_held_up(phase: str) -> None:
    progress = RunProgress()
    progress.take([Notice(phase, "1 of 2 written."), Notice("pause", "Paused.")])
    progress.take([Notice("pause", "Going on.")])
    assert progress.phase == phase


def test_steps_that_a_resumed_run_does_again_are_not_shown_twice() -> None:
    progress = RunProgress()
    progress.take([start(), step(1), step(2), step(3), start(first=2), step(3), step(4)])
    assert [one for one, _ in progress.losses] == [1, 2, 3, 4]
    assert progress.ended is None


def test_another_plan_changes_what_is_left() -> None:
    progress = RunProgress()
    progress.take([start(), step(1), StepsPlanned(1, 5)])
    assert (progress.share, progress.seconds_left) == (0.2, 8.0)


def test_what_is_left_holds_evaluations_and_the_comparison_and_ends_with_the_minutes() -> None:
    spec = {"minutes": 10.0, "eval_every": 4}
    begun = RunStarted("run", spec, 10, 0, {"pid": 7}, 0.0)
    progress = RunProgress()
    progress.take([begun, EvalDone(0, (0.5,), 2.0, 0.9, 30.0), step(1)])
    # 9 steps, the evaluations after steps 4, 8 and 10, and 15 % of the minutes.
    assert progress.seconds_left == 9 * 2 + 3 * 30 + 90
    progress.take([step(2, 400.0)])
    assert progress.seconds_left == 600 - 432
    progress.take([Notice("compare", "Comparing.")])
    assert progress.seconds_left is None


def test_how_much_is_written_is_known_until_the_steps_are() -> None:
    progress = RunProgress()
    assert progress.done == (0, 0)
    progress.take([Notice("synthesis", "96 of 192 written by the model.")])
    assert progress.done == (96, 192)
    progress.take([Notice("pause", "Paused.")])
    assert progress.done == (96, 192)
    progress.take([Notice("probe", "Measuring.")])
    assert progress.done == (0, 0)
    progress.take([start(), step(1)])
    assert progress.done == (1, 10)


def test_warnings_stay_and_each_is_kept_once() -> None:
    progress = RunProgress()
    torn = Notice("warning", "The checkpoint of step 8 is damaged and is passed over.")
    progress.take([torn, start(first=4), step(5), torn])
    assert progress.warnings == [torn.message]
    assert progress.phase == "train"


def test_a_later_start_halves_its_batch_anew() -> None:
    progress = RunProgress()
    halved, best = Notice("memory", "From now on 2 rows."), Notice("best", "That of step 4.")
    progress.take([halved, start(), step(1)])
    assert progress.said["memory"] == halved.message  # its probe had halved it
    progress.take([best, start(first=4), step(5)])
    assert not {"memory", "best"} & progress.said.keys()
