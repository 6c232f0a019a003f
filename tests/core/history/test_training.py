"""A training's row follows the events in its folder."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from core import jsonl
from core.errors import KnownError
from core.events import (
    CheckpointSaved,
    EvalDone,
    Notice,
    RunEnded,
    RunStarted,
    StepDone,
    TrainingEvent,
)
from core.history.store import HistoryStore
from core.history.training import note_process, read_training
from tests.core.history.runs import dead_pid

SPEC: dict[str, object] = {"model": "/models/toy", "out": "/adapters/swift", "kind": "gated"}
GROWING: tuple[TrainingEvent, ...] = (
    Notice("data", "Sampling prompts."),
    StepDone(1, 3.5, 1e-3, 0.2, 64, 0.5),
    StepDone(2, 2.5, 1e-3, 0.4, 64, 0.5),
    EvalDone(2, (0.9, 0.5), 1.7, 0.9, 2.0),
    CheckpointSaved(2, "/runs/r1/step-2"),
)


STOPPED = RunEnded("stopped", 2, None, 60.0, 640)


def start(pid: int = 0, first_step: int = 0) -> RunStarted:
    machine: dict[str, object] = {"cpu": "toy"}
    if pid:
        machine |= {"pid": pid, "host": platform.node()}
    return RunStarted("r1", SPEC, 10, first_step, machine, time.time())


def write(folder: Path, events: Iterable[TrainingEvent]) -> Path:
    folder.mkdir(exist_ok=True)
    text = "".join(f"{jsonl.dumps(event)}\n" for event in events)
    (folder / "events.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "r1", (start(), *GROWING))


def test_a_running_training(folder: Path) -> None:
    run = read_training(folder)
    assert (run.id, run.kind, run.state) == ("r1", "training", "running")
    assert (run.model, run.adapter) == ("toy", "swift")
    assert run.title == "swift: adapter for toy"
    assert run.settings == SPEC
    assert run.run_dir == str(folder)
    assert run.summary == {
        "total_steps": 10,
        "step": 2,
        "loss": 2.5,
        "agreement_by_slot": [0.9, 0.5],
        "tokens_per_pass": 1.7,
        "threshold": 0.9,
        "checkpoint": "/runs/r1/step-2",
    }


def test_a_finished_training(folder: Path) -> None:
    ended = RunEnded("completed", 10, "/adapters/other", 60.0, 640)
    write(folder, (start(), *GROWING, ended))
    run = read_training(folder)
    assert (run.state, run.adapter) == ("completed", "other")
    assert (run.summary["seconds"], run.summary["supervised"]) == (60.0, 640)


def test_a_forecast_stands_beside_what_came(folder: Path) -> None:
    (folder / "forecast.json").write_text('{"seconds": 50.0, "steps": 9, "peak_bytes": 7}')
    write(folder, (start(), *GROWING, RunEnded("completed", 10, None, 60.0, 640, 8)))
    summary = read_training(folder).summary
    assert (summary["forecast_seconds"], summary["seconds"]) == (50.0, 60.0)
    assert (summary["forecast_peak_bytes"], summary["peak_bytes"]) == (7, 8)


def test_a_resumed_training_runs_again(folder: Path) -> None:
    write(folder, (start(), *GROWING, STOPPED, start(first_step=2)))
    assert read_training(folder).state == "running"


def test_a_training_whose_process_is_gone_was_interrupted(folder: Path) -> None:
    write(folder, (start(pid=dead_pid()), *GROWING))
    assert read_training(folder).state == "interrupted"
    note_process(folder, dead_pid())
    assert read_training(folder).state == "interrupted"


def test_a_training_at_work_is_known_by_its_process(folder: Path) -> None:
    write(folder, (start(pid=os.getpid()), *GROWING))
    assert read_training(folder).state == "running"


@pytest.mark.parametrize(("alive", "state"), [(True, "running"), (False, "interrupted")])
def test_before_the_first_step_the_spec_speaks(tmp_path: Path, alive: bool, state: str) -> None:
    (tmp_path / "spec.json").write_text(json.dumps(SPEC), encoding="utf-8")
    note_process(tmp_path, os.getpid() if alive else dead_pid())
    run = read_training(tmp_path)
    assert (run.state, run.model, run.adapter, run.settings) == (state, "toy", "swift", SPEC)
    assert run.created_at == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(("alive", "state"), [(True, "running"), (False, "stopped")])
def test_a_resumed_process_that_said_nothing_yet(folder: Path, alive: bool, state: str) -> None:
    write(folder, (start(), *GROWING, STOPPED))
    os.utime(folder / "events.jsonl", (1e9, 1e9))
    note_process(folder, os.getpid() if alive else dead_pid())
    assert read_training(folder).state == state


def test_the_last_word_counts_while_the_process_still_ends(folder: Path) -> None:
    note_process(folder, os.getpid())
    write(folder, (start(pid=os.getpid()), *GROWING, STOPPED))
    os.utime(folder / "events.jsonl", (3e9, 3e9))
    assert read_training(folder).state == "stopped"


def test_the_row_grows_with_the_folder(store: HistoryStore, folder: Path) -> None:
    assert store.track_training(folder) == "r1"
    assert store.get_run("r1").state == "running"
    write(folder, (start(), *GROWING, RunEnded("completed", 10, None, 60.0, 640)))
    store.refresh_training()
    assert store.get_run("r1").state == "completed"
    assert store.count_runs() == 1


def test_opening_the_history_brings_trainings_up_to_date(database: Path, folder: Path) -> None:
    with HistoryStore(database) as store:
        store.track_training(folder)
    write(folder, (start(), *GROWING, RunEnded("failed", 3, None, 60.0, 640)))
    with HistoryStore(database) as store:
        assert store.list_runs()[0].state == "failed"


def test_a_folder_that_is_gone_leaves_its_row(store: HistoryStore, folder: Path) -> None:
    store.track_training(folder)
    (folder / "events.jsonl").unlink()
    store.refresh_training()
    assert store.get_run("r1").summary["step"] == 2


def test_a_deleted_training_stays_deleted(store: HistoryStore, folder: Path) -> None:
    store.track_training(folder)
    store.delete_runs(["r1"])
    store.refresh_training()
    assert store.count_runs() == 0
    assert folder.is_dir()


def test_a_folder_without_a_training_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(KnownError, match="holds no training run"):
        read_training(tmp_path)
    with pytest.raises(KnownError, match="holds no training run"):
        read_training(write(tmp_path / "odd", GROWING))
