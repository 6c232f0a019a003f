"""A training shared by two processes is the same training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.control import Cancel
from core.errors import KnownError
from core.events import RunEnded, StepDone
from core.model.adapter_info import read_adapter_info
from core.paths import user_paths
from core.train.process import TrainingProcess, launch_config, new_run
from tests.core.train.test_training import spec

__all__ = ["spec"]  # a fixture


def train(spec) -> list[StepDone]:
    process = TrainingProcess(new_run(spec, user_paths()))
    events = list(process.events(Cancel()))
    assert isinstance(events[-1], RunEnded), process.log_tail()
    assert events[-1].state == "completed", process.log_tail()
    return [event for event in events if isinstance(event, StepDone)]


def test_two_ranks_have_the_losses_of_one(spec) -> None:
    one = dataclasses.replace(spec, steps=4, eval_rows=0)
    two = dataclasses.replace(one, processes=2, out=f"{spec.out}-2")
    alone, shared = train(one), train(two)
    assert [step.supervised for step in shared] == [step.supervised for step in alone]
    assert [step.loss for step in shared] == pytest.approx([step.loss for step in alone], rel=1e-3)
    told = [read_adapter_info(Path(each.out)).training for each in (one, two)]
    assert told[0]["supervised_slots"] == told[1]["supervised_slots"]


def test_rows_must_divide_among_the_ranks(spec) -> None:
    with pytest.raises(KnownError, match="multiple of the processes"):
        dataclasses.replace(spec, processes=3).check()


def test_the_launcher_is_told_devices_and_ranks(spec, monkeypatch) -> None:
    monkeypatch.setattr(
        "core.train.process.choose_device", lambda wish: {"auto": "cuda:0"}.get(wish, wish)
    )
    on_gpus = launch_config(dataclasses.replace(spec, device="auto", processes=2))
    assert "distributed_type: MULTI_GPU" in on_gpus
    assert "num_processes: 2" in on_gpus
    assert "distributed_type: MULTI_CPU" in launch_config(dataclasses.replace(spec, processes=2))
