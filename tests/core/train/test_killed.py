"""A training that is killed without a word: it is offered again, and goes on."""

from __future__ import annotations

import dataclasses

from core.control import Cancel
from core.events import CheckpointSaved, RunEnded, RunStarted, StepDone
from core.history.training import read_training
from core.paths import user_paths
from core.train.process import TrainingProcess, new_run
from tests.core.train.test_training import spec

__all__ = ["spec"]  # a fixture


def test_a_killed_training_goes_on_from_its_checkpoint(spec) -> None:
    long = dataclasses.replace(spec, steps=400, save_every=20, eval_every=1000)
    run_dir = new_run(long, user_paths())
    process = TrainingProcess(run_dir)
    before = []
    for event in process.events(Cancel()):
        before.append(event)
        if isinstance(event, CheckpointSaved):
            process._process.kill()
    assert not any(isinstance(event, RunEnded) for event in before)
    assert read_training(run_dir).state == "interrupted"

    done = max(event.step for event in before if isinstance(event, StepDone))
    after = list(TrainingProcess(run_dir).events(Cancel()))
    [first] = [event.first_step for event in after if isinstance(event, RunStarted)]
    assert first % long.save_every == 0
    assert 0 <= done - first <= long.save_every
    steps = [event.step for event in after if isinstance(event, StepDone)]
    assert steps == list(range(first + 1, long.steps + 1))
    assert read_training(run_dir).state == "completed"
