"""Trainings follow one another, and have the chat model's memory where that was wished for.

Their processes are real; they only say that they are over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.pages.training.run_list import RunList
from core import jsonl
from core.events import RunStarted, StepDone
from core.history.training import EVENTS_FILE, note_process, read_training
from core.paths import Paths
from core.train import queue, wishes
from core.train.spec import TrainSpec
from tests.core.history.runs import dead_pid
from tests.core.train.runs import ended, make_run

Make = Callable[..., Application]
CHILD = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
BEGUN = (RunStarted("run", {}, 8, 0, {}, 0.0), StepDone(1, 2.0, 1e-3, 0.5, 100, 2.0))


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(run_dir: Path) -> list[str]:
        last = jsonl.dumps(ended()) + "\n"
        return [sys.executable, "-S", "-c", CHILD, str(run_dir / EVENTS_FILE), last]

    monkeypatch.setattr("core.train.process._command", command)
    monkeypatch.setattr("app.workers.training.LOOK_MS", 20)


def borrowers(stride: Application) -> frozenset[object]:
    return stride.context.loan.borrowers


def wait_for_the_end(qtbot: QtBot, stride: Application) -> None:
    qtbot.waitUntil(lambda: stride.context.training.at_work is None)


def test_the_next_in_line_begins_when_the_one_before_is_over(
    qtbot: QtBot, make_stride: Make, paths: Paths
) -> None:
    training = make_stride().context.training
    first, second = make_run(paths, "1"), make_run(paths, "2")
    told: list[tuple[str, Path]] = []
    training.began.connect(lambda folder: told.append(("began", folder)))
    training.ended.connect(lambda folder: told.append(("ended", folder)))
    training.resume(first)
    training.resume(second)
    assert queue.waiting(paths) == [second]
    qtbot.waitUntil(lambda: ("ended", second) in told)
    assert [folder for word, folder in told if word == "began"] == [first, second]
    assert [read_training(one).state for one in (first, second)] == ["completed"] * 2
    assert queue.waiting(paths) == []


@pytest.mark.parametrize("keeps_chatting", [True, False])
def test_a_planned_run_has_the_memory_unless_the_user_chats_on(
    qtbot: QtBot, make_stride: Make, paths: Paths, keeps_chatting: bool
) -> None:
    stride = make_stride()
    spec = TrainSpec("toy", str(paths.adapters / "pumps"), ("a.txt",), steps=8)
    stride.window.training._on_start(spec, None, keeps_chatting)
    folder = stride.context.training.at_work
    assert borrowers(stride) == (set() if keeps_chatting else {folder})
    wait_for_the_end(qtbot, stride)
    assert borrowers(stride) == set()


def test_a_run_in_line_since_an_earlier_start_still_has_the_memory(
    qtbot: QtBot, make_stride: Make, paths: Paths
) -> None:
    folder = make_run(paths, "1")
    wishes.ask_for_loan(folder)
    queue.put_in_line(folder)
    stride = make_stride()
    assert borrowers(stride) == {folder}
    wait_for_the_end(qtbot, stride)
    assert borrowers(stride) == set()
    stride.context.training.resume(folder)
    assert borrowers(stride) == {folder}
    wait_for_the_end(qtbot, stride)


@pytest.mark.parametrize("wants", [True, False])
def test_a_run_found_at_work_has_the_memory_if_it_was_planned_so(
    qtbot: QtBot, make_stride: Make, paths: Paths, wants: bool
) -> None:
    folder = make_run(paths, "1")
    note_process(folder, os.getpid())
    if wants:  # a run of the command line does not
        wishes.ask_for_loan(folder)
    stride = make_stride()
    assert stride.context.training.at_work == folder
    assert borrowers(stride) == ({folder} if wants else set())
    note_process(folder, dead_pid())
    wait_for_the_end(qtbot, stride)
    assert borrowers(stride) == set()


@pytest.mark.parametrize(
    ("files", "state", "word"),
    [
        ({"checkpoints/step-0000004/weights.safetensors": 9}, "can go on", "Resume"),
        ({}, "without a checkpoint", "Begin anew"),
    ],
)
def test_a_run_whose_process_is_gone_is_offered_again(
    qtbot: QtBot, make_stride: Make, paths: Paths, files: dict[str, int], state: str, word: str
) -> None:
    folder = make_run(paths, "pumps", *BEGUN, files=files)
    note_process(folder, dead_pid())
    stride = make_stride()
    runs = stride.window.training._list
    qtbot.waitUntil(lambda: button(runs, word) is not None)
    texts = [one.text() for one in runs.findChildren(QLabel)]
    assert any(one.startswith(f"Broken off; {state}") for one in texts)
    button(runs, word).click()
    assert stride.context.training.at_work == folder
    wait_for_the_end(qtbot, stride)
    assert read_training(folder).state == "completed"


def button(runs: RunList, text: str) -> QAbstractButton | None:
    found = (one for one in runs.findChildren(QAbstractButton) if one.text() == text)
    return next(found, None)
