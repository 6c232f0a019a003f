"""What a user asks of a running training, and what memory forces on it."""

from __future__ import annotations

import dataclasses
import errno
import json
import threading
import time
from pathlib import Path

import pytest
import torch

from core.errors import KnownError
from core.events import EvalDone, Notice, StepDone
from core.jsonl import read_events
from core.model.adapter_info import read_adapter_info
from core.paths import user_paths
from core.train import queue, wishes
from core.train.follow import EventTail
from core.train.memory import is_out_of_memory
from core.train.process import new_run
from core.train.reporter import Reporter
from core.train.wishes import Wishes
from tests.core.train.test_training import run_training, spec

__all__ = ["spec"]  # a fixture


def events(run_dir: Path) -> list[object]:
    return list(read_events(run_dir / "events.jsonl"))


def losses(run_dir: Path) -> list[float]:
    return [one.loss for one in events(run_dir) if isinstance(one, StepDone)]


def test_a_pause_waits_and_its_time_does_not_count(tmp_path) -> None:
    said: list[str] = []
    wish = Wishes(tmp_path)
    wishes.pause(tmp_path)
    threading.Timer(0.3, wishes.go_on, [tmp_path]).start()
    began, counted = time.monotonic(), wish.now()
    wish.wait_while_paused(said.append)
    assert said == ["Paused.", "Going on."]
    assert time.monotonic() - began >= wish.now() - counted + 0.2


def test_a_stop_ends_a_pause(tmp_path) -> None:
    wish = Wishes(tmp_path)
    wishes.pause(tmp_path)
    threading.Timer(0.3, wishes.ask_to_stop, [tmp_path]).start()
    wish.wait_while_paused(lambda _: None)
    assert wish.stop()
    wishes.forget(tmp_path)
    assert not wish.stop()
    assert not wishes.is_paused(tmp_path)


def test_the_wish_for_the_chat_models_memory_holds_at_each_start(tmp_path) -> None:
    assert not wishes.wants_loan(tmp_path)
    wishes.ask_for_loan(tmp_path)
    wishes.forget(tmp_path)
    assert wishes.wants_loan(tmp_path)


def test_the_best_evaluation_is_kept_and_can_be_the_adapter(spec, tmp_path, monkeypatch) -> None:
    found = iter([EvalDone(3, (0.5,), 2.0, 0.9, 0.1), EvalDone(6, (0.4,), 1.5, 0.9, 0.1)])
    monkeypatch.setattr("core.train.held_out.evaluate", lambda *_: (next(found), []))
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    wishes.ask_to_stop(run_dir, keep_best=True)
    monkeypatch.setattr("core.train.wishes.Wishes.stop", lambda _: False)
    run_training(spec, run_dir)
    told = read_adapter_info(Path(spec.out)).training
    assert told["steps"] == 3
    assert told["held_out"]["tokens_per_pass"] == 2.0


class Memory:
    """Stands in for a machine that can hold only so many rows at a time."""

    def __init__(self, rows: int, forward) -> None:
        self.rows, self.forward, self.refused = rows, forward, 0

    def __call__(self, distill, token_ids, layout):
        if len(token_ids) > self.rows:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.forward(distill, token_ids, layout)


def test_out_of_memory_halves_the_rows_and_changes_no_loss(spec, tmp_path, monkeypatch) -> None:
    whole = dataclasses.replace(spec, micro_sequences=4, eval_rows=0)
    run_training(whole, tmp_path / "whole")
    from core.train.distill import GatedDistillation

    memory = Memory(1, GatedDistillation.forward)
    monkeypatch.setattr(GatedDistillation, "forward", lambda *given: memory(*given))  # noqa: PLW0108
    run_training(whole, tmp_path / "small")
    assert memory.refused == 2
    assert losses(tmp_path / "small") == pytest.approx(losses(tmp_path / "whole"), rel=1e-4)
    told = [one.message for one in events(tmp_path / "small") if isinstance(one, Notice)]
    assert any("from now on 2 rows at a time" in one for one in told)
    assert any("from now on 1 rows at a time" in one for one in told)


def test_a_row_that_does_not_fit_alone_is_named_with_remedies(spec, tmp_path, monkeypatch) -> None:
    from core.train.distill import GatedDistillation

    memory = Memory(0, GatedDistillation.forward)
    monkeypatch.setattr(GatedDistillation, "forward", lambda *given: memory(*given))  # noqa: PLW0108
    with pytest.raises(KnownError, match="One row alone does not fit") as caught:
        run_training(spec, tmp_path / "run")
    assert "smaller context" in caught.value.next_step


def test_other_failures_are_no_lack_of_memory() -> None:
    assert is_out_of_memory(
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
    )
    assert not is_out_of_memory(RuntimeError("shapes differ"))


def test_a_place_that_takes_no_adapter_is_told_before_the_run(spec, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KnownError, match="Not a directory"):
        new_run(dataclasses.replace(spec, out=str(tmp_path / "file" / "a")), user_paths())

    with pytest.raises(KnownError, match="too long"):
        new_run(dataclasses.replace(spec, out=str(tmp_path / "new" / ("a" * 300))), user_paths())
    assert not (tmp_path / "new").exists()

    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryDirectory", refuse)
    with pytest.raises(KnownError, match="Read-only"):
        new_run(spec, user_paths())
    assert not user_paths().runs.exists()


def test_runs_wait_in_line(spec) -> None:
    paths = user_paths()
    assert queue.waiting(paths) == []
    first = new_run(spec, paths)
    queue.put_in_line(first)
    assert queue.waiting(paths) == [first]
    queue.take_out(first)
    assert queue.waiting(paths) == []
    queue.put_in_line(first)
    queue.drop(first)
    assert not first.exists()


def test_a_run_that_has_begun_keeps_its_folder(spec) -> None:
    run_dir = new_run(spec, user_paths())
    queue.put_in_line(run_dir)
    Reporter(run_dir).say("load", "Loading.")
    queue.drop(run_dir)
    assert run_dir.exists()
    assert queue.waiting(user_paths()) == []


def test_a_tail_reads_each_event_once_and_waits_for_whole_lines(tmp_path) -> None:
    tail = EventTail(tmp_path)
    assert tail.read() == []
    report = Reporter(tmp_path)
    report.say("a", "one")
    assert tail.read() == [Notice("a", "one")]
    whole = (tmp_path / "events.jsonl").read_bytes()
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(whole[:10])
        file.flush()
        assert tail.read() == []
        file.write(whole[10:])
    assert tail.read() == [Notice("a", "one")]


def test_held_out_prompts_that_leave_no_room_are_passed_over(spec, tmp_path) -> None:
    # The toy reads 256 tokens, a byte each.
    Path(spec.data[0]).write_text("".join(
        json.dumps({"text": f"{n} " + "a long line of words " * 14}) + "\n" for n in range(12)
    ))  # fmt: skip
    run_training(dataclasses.replace(spec, eval_rows=2, passages="text"), tmp_path / "run")
    found = [one for one in events(tmp_path / "run") if isinstance(one, EvalDone)]
    assert [one.tokens_per_pass for one in found] == [0.0, 0.0]
