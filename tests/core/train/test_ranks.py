"""A training shared by two processes is the same training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.control import Cancel
from core.errors import KnownError
from core.events import RunEnded, StepDone, WayCompared
from core.model.adapter_info import read_adapter_info
from core.paths import user_paths
from core.train.loop import Training
from core.train.process import TrainingProcess, launch_config, new_run
from core.train.wishes import Wishes
from tests.core.train.test_training import spec

__all__ = ["spec"]  # a fixture


def train(spec) -> list[StepDone]:
    process = TrainingProcess(new_run(spec, user_paths()))
    events = list(process.events(Cancel()))
    assert isinstance(events[-1], RunEnded), process.log_tail()
    assert events[-1].state == "completed", process.log_tail()
    return [event for event in events if isinstance(event, StepDone)]


@pytest.mark.parametrize("change", [{}, {"kind": "heads", "heads": 2}])
def test_two_ranks_have_the_losses_of_one(spec, change) -> None:
    one = dataclasses.replace(spec, steps=4, eval_rows=0, **change)
    two = dataclasses.replace(one, processes=2, out=f"{spec.out}-2")
    alone, shared = train(one), train(two)
    assert [step.supervised for step in shared] == [step.supervised for step in alone]
    assert [step.loss for step in shared] == pytest.approx([step.loss for step in alone], rel=1e-3)
    told = [read_adapter_info(Path(each.out)).training for each in (one, two)]
    assert told[0]["supervised_slots"] == told[1]["supervised_slots"]


def test_sharded_ranks_have_the_losses_of_one_and_go_on_after_a_stop(spec) -> None:
    full = dataclasses.replace(spec, kind="full", learning_rate=1e-3, steps=4, save_every=2)
    sharded = dataclasses.replace(full, processes=2, shard=True, out=f"{spec.out}-2")
    alone, shared = train(full), train(sharded)
    assert [step.loss for step in shared] == pytest.approx([step.loss for step in alone], rel=1e-3)
    one, two = (load_file(Path(each.out) / "model.safetensors") for each in (full, sharded))
    assert one.keys() == two.keys()
    assert all(torch.allclose(one[name], two[name], atol=1e-4) for name in one)

    run_dir = max(user_paths().runs.iterdir())
    (run_dir / "checkpoints" / "step-0000004" / "optimizer.pt").write_bytes(b"torn")
    again = list(TrainingProcess(run_dir).events(Cancel()))
    losses = [event.loss for event in again if isinstance(event, StepDone)]
    assert losses == pytest.approx([step.loss for step in shared[2:]], rel=1e-4)
    assert any(isinstance(event, WayCompared) for event in again)


def test_only_a_full_training_of_several_ranks_is_sharded(spec) -> None:
    for change in ({"processes": 2}, {"kind": "full"}):
        with pytest.raises(KnownError, match="sharded"):
            dataclasses.replace(spec, shard=True, **change).check()


def test_rows_must_divide_among_the_ranks(spec) -> None:
    with pytest.raises(KnownError, match="multiple of the processes"):
        dataclasses.replace(spec, processes=3).check()


def test_the_launcher_is_told_devices_and_ranks(spec) -> None:
    on_gpus = launch_config(dataclasses.replace(spec, device="auto", processes=2))
    assert "distributed_type: MULTI_GPU" in on_gpus
    assert "num_processes: 2" in on_gpus


def test_a_training_for_several_ranks_does_not_run_on_one(spec, tmp_path) -> None:
    with pytest.raises(KnownError, match="meant for 2 processes, but 1 were started"):
        Training(dataclasses.replace(spec, processes=2), tmp_path, user_paths(), Wishes(tmp_path))
