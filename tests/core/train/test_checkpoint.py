"""Checkpoints and the best adapter: whole on the disk, and passed over where they are not."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.errors import KnownError
from core.events import CheckpointSaved, EvalDone, Notice, RunStarted
from core.jsonl import read_events
from core.train.checkpoint import (
    best_evaluation,
    load_best,
    load_newest,
    save_best,
    save_checkpoint,
)
from core.train.durable import put_in_place
from tests.core.train.test_training import losses, run_training, spec

__all__ = ["spec"]  # a fixture

BEST_AGAIN = "The best adapter so far cannot be read; the next evaluation writes it anew."
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "a few bytes": lambda data: data[:3],
    "half": lambda data: data[: len(data) // 2],
    "without its last byte": lambda data: data[:-1],
    "other bytes": lambda _: b"torn",
    "zeros": lambda data: bytes(len(data)),
    "noise": lambda data: random.Random(1).randbytes(len(data)),
}


def save(run_dir: Path, step: int, keep: int = 2) -> Path:
    state = {"seconds": float(step), "moments": torch.ones(400)}
    return save_checkpoint(run_dir, step, {"one": torch.full((400,), step)}, state, keep)


def steps_in(run_dir: Path) -> list[int]:
    names = [one.name for one in (run_dir / "checkpoints").iterdir()]
    return sorted(int(name.removeprefix("step-")) for name in names)


def told(run_dir: Path, kind: type) -> list[object]:
    return [one for one in read_events(run_dir / "events.jsonl") if isinstance(one, kind)]


def said(run_dir: Path) -> list[str]:
    phases = ("warning", "resume")
    return [one.message for one in told(run_dir, Notice) if one.phase in phases]


def are_passed_over(steps: list[int], heard: list[str]) -> bool:
    beginnings = [f"The checkpoint of step {one} is damaged and is passed over" for one in steps]
    return all(map(str.startswith, heard, beginnings)) and len(heard) == len(steps)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.pt"])
def test_a_torn_checkpoint_is_passed_over(tmp_path, name, damage) -> None:
    save(tmp_path, 3)
    file = save(tmp_path, 6) / name
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    heard: list[str] = []
    step, weights, state = load_newest(tmp_path, heard.append)
    assert (step, state["seconds"], set(weights["one"].tolist())) == (3, 3.0, {3})
    assert are_passed_over([6], heard)


def test_where_no_checkpoint_can_be_read_that_is_said(tmp_path) -> None:
    assert load_newest(tmp_path, pytest.fail) is None
    (save(tmp_path, 3) / "weights.safetensors").write_bytes(b"torn")
    (save(tmp_path, 6) / "optimizer.pt").unlink()
    heard: list[str] = []
    with pytest.raises(KnownError, match="All checkpoints in"):
        load_newest(tmp_path, heard.append)
    assert are_passed_over([6, 3], heard)


def test_a_good_checkpoint_is_not_passed_over_for_what_the_machine_lacks(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(error: Exception) -> None:
        def load(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(torch, "load", load)

    save(tmp_path, 3)
    refuse(PermissionError(13, "Permission denied"))
    with pytest.raises(KnownError, match="Permission denied"):
        load_newest(tmp_path, pytest.fail)
    refuse(torch.OutOfMemoryError("out of memory"))
    with pytest.raises(torch.OutOfMemoryError):
        load_newest(tmp_path, pytest.fail)


def test_the_newest_stay_and_those_passed_over_go(tmp_path) -> None:
    for step in (1, 2, 3, 9):
        save(tmp_path, step)
    assert steps_in(tmp_path) == [3, 9]
    save(tmp_path, 4)  # 9 was torn, and the run went on from 3
    assert steps_in(tmp_path) == [3, 4]


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_a_file_holds_is_on_the_disk_before_its_name(tmp_path, is_folder, monkeypatch) -> None:
    draft, place = tmp_path / "draft", tmp_path / "place"
    if is_folder:
        draft.mkdir()
    for file in (draft / "a", draft / "b") if is_folder else (draft,):
        file.write_text("text")
    fsync, done = os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(place.exists()), fsync(file)))
    put_in_place(draft, place)
    files = 2 if is_folder else 1
    assert done[:files] == [False] * files
    assert not draft.exists()
    assert (place / "b" if is_folder else place).read_text() == "text"


def test_a_run_goes_on_from_the_checkpoint_before_a_torn_one(spec, tmp_path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_training(spec, whole)
    run_training(spec, parts, stop_after=4)
    file = parts / "checkpoints" / "step-0000004" / "optimizer.pt"
    file.write_bytes(file.read_bytes()[:-100])
    run_training(spec, parts)
    *passed_over, going_on = said(parts)
    assert are_passed_over([4], passed_over)
    assert going_on == "Going on after step 2."
    assert told(parts, RunStarted)[-1].first_step == 2
    assert losses(parts)[4:] == pytest.approx(losses(whole)[2:], rel=1e-4)
    assert [one.step for one in told(parts, CheckpointSaved)][-2:] == [4, 6]
    assert steps_in(parts) == [4, 6]


def test_a_run_whose_checkpoints_are_all_torn_says_so(spec, tmp_path) -> None:
    run_training(spec, tmp_path / "run", stop_after=4)
    for file in (tmp_path / "run" / "checkpoints").rglob("*.safetensors"):
        file.write_bytes(b"torn")
    with pytest.raises(KnownError, match="All checkpoints in") as caught:
        run_training(spec, tmp_path / "run")
    assert "it then begins anew" in caught.value.next_step


def test_a_torn_best_adapter_does_not_keep_a_run_from_going_on(spec, tmp_path) -> None:
    run_dir = tmp_path / "run"
    run_training(spec, run_dir, stop_after=4)
    file = run_dir / "best" / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    run_training(spec, run_dir)
    assert said(run_dir) == [BEST_AGAIN, "Going on after step 4."]
    best = best_evaluation(run_dir, pytest.fail)
    assert best == told(run_dir, EvalDone)[-1]
    assert best.step == 6
    assert load_best(run_dir)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_resumed_run_knows_the_best_of_its_start(tmp_path, damage) -> None:
    best = EvalDone(7, (0.9, 0.8), 3.0, 0.9, 1.0)
    assert best_evaluation(tmp_path, pytest.fail) is None
    save_best(tmp_path, best, {"one": torch.ones(2)})
    assert best_evaluation(tmp_path, pytest.fail) == best
    assert load_best(tmp_path)["one"].tolist() == [1.0, 1.0]
    file = tmp_path / "best" / "weights.safetensors"
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    heard: list[str] = []
    assert best_evaluation(tmp_path, heard.append) is None
    assert heard == [BEST_AGAIN]
