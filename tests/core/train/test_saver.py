"""When checkpoints are due."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator

from core.train import saver
from core.train.reporter import Reporter
from core.train.saver import MOST_SECONDS, SELDOM, Saver
from core.train.spec import TrainSpec


class Clock:
    """Time that only a test moves on."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(saver, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def new_saver(tmp_path) -> Saver:
    spec = TrainSpec("model", "out", save_every=10)
    return Saver(tmp_path, spec, Accelerator(cpu=True), Reporter(tmp_path))


def test_a_checkpoint_is_due_by_steps_and_by_the_clock(tmp_path, clock) -> None:
    own = new_saver(tmp_path)
    assert [step for step in range(1, 31) if own.is_due(step)] == [10, 20, 30]
    clock.seconds = MOST_SECONDS + 1
    assert own.is_due(3)
    own.save(3, {"one": torch.zeros(1)}, {})
    assert not own.is_due(4)


def test_what_takes_long_to_write_is_written_seldom(tmp_path, clock, monkeypatch) -> None:
    def slowly(*_: object) -> str:
        clock.seconds += 30.0
        return "folder"

    monkeypatch.setattr(saver, "save_checkpoint", slowly)
    own = new_saver(tmp_path)
    own.save(1, {}, {})
    clock.seconds += MOST_SECONDS + 1
    assert not own.is_due(2)
    clock.seconds += SELDOM * 30.0
    assert own.is_due(2)
