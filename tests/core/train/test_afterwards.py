"""Before and after: what a finished training is compared with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from core.engine.request import Request
from core.engine.session import Session
from core.evaluate.bench import bench
from core.events import Notice, ThresholdAdvised, WayCompared
from core.jsonl import read_events
from core.paths import user_paths
from core.train.full_student import FullStudent
from core.train.loop import Training
from core.train.spec import TrainSpec
from core.train.student import copied, load_student
from core.train.wishes import Wishes
from tests.core.train.test_training import run_training, spec

__all__ = ["spec"]  # a fixture


def compared(spec: TrainSpec, run_dir: Path) -> Training:
    """A training whose worth was looked at; the look changes nothing of it."""
    run_dir.mkdir()
    training = Training(spec, run_dir, user_paths(), Wishes(run_dir))
    training.run()
    learned = copied(training._student.weights())
    training.compare()
    assert all(torch.equal(learned[name], one) for name, one in training._student.weights().items())
    return training


def test_one_token_and_all_thresholds_are_compared(spec: TrainSpec, tmp_path) -> None:
    compared(dataclasses.replace(spec, steps=1), tmp_path / "run")
    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    ways = [event for event in events if isinstance(event, WayCompared)]
    names = ["One token a pass", *(f"Threshold {one}" for one in ("0.99", "0.95", "0.9", "0.8"))]
    assert [one.label for one in ways] == [*names, "Exact, verified"]
    assert isinstance(events[-1], ThresholdAdvised)
    said = [event.message for event in events if isinstance(event, Notice)]
    assert any("by construction, and checked on 2 prompts" in one for one in said)


def test_a_comparison_that_had_no_time_is_told(spec: TrainSpec, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Training, "_may_go_on", lambda *_: False)
    compared(dataclasses.replace(spec, steps=1), tmp_path / "run")
    events = list(read_events(tmp_path / "run" / "events.jsonl"))
    assert not [event for event in events if isinstance(event, WayCompared)]
    warned = [one.message for one in events if isinstance(one, Notice) and one.phase == "warning"]
    assert any("No time was left to compare" in one for one in warned)


def test_a_full_training_is_held_against_the_base_model(spec: TrainSpec, tmp_path) -> None:
    (tmp_path / "run").mkdir()
    full = dataclasses.replace(
        spec, kind="full", steps=6, learning_rate=1e-2, out=str(tmp_path / "full")
    )
    training = Training(full, tmp_path / "run", user_paths(), Wishes(tmp_path / "run"))
    training.run()
    training.compare()
    events = read_events(tmp_path / "run" / "events.jsonl")
    base, own, *others = [event for event in events if isinstance(event, WayCompared)]
    assert [base.label, own.label] == ["One token a pass, base model", "One token a pass"]
    assert base.speedup[0] == base.likelihood[0] == 1.0
    assert own.agreement[0] < base.agreement[0]
    assert len(others) == 5


def test_a_full_student_is_decoded_in_the_dtype_it_will_be_loaded_in(spec: TrainSpec) -> None:
    full = dataclasses.replace(spec, kind="full")
    student = load_student(full, user_paths(), torch.device("cpu"), torch.bfloat16)
    assert isinstance(student, FullStudent)
    assert student.loaded.dtype == torch.float32
    student.cast(torch.bfloat16)
    assert student.loaded.dtype == torch.bfloat16
    for model in (student.loaded.model, student.base_model):
        assert {one.dtype for one in model.parameters()} == {torch.bfloat16}
        assert {one.dtype for one in model.buffers()} == {torch.float32}


def test_the_adapter_it_started_from_decodes_too_and_leaves_no_trace(
    spec, tmp_path, monkeypatch
) -> None:
    seen: list[tuple[float, float]] = []
    decode = bench.decode_answer

    def watched(session: Session, request: Request, threshold: float, *rest: object):
        weights = session._loaded.masks.weights()
        seen.append((threshold, float(weights["mask_vectors"].sum())))
        return decode(session, request, threshold, *rest)

    monkeypatch.setattr(bench, "decode_answer", watched)
    run_training(spec, tmp_path / "first")
    more = dataclasses.replace(spec, start_from=spec.out, out=str(tmp_path / "second"), steps=2)
    training = compared(more, tmp_path / "run")
    events = read_events(tmp_path / "run" / "events.jsonl")
    [before] = [one for one in events if isinstance(one, WayCompared) and one.adapter]
    assert before.label == "Threshold 0.9, before (adapter)"
    started, learned = training._start, training._student.weights()
    sums = [float(one["mask_vectors"].sum()) for one in (started, learned)]
    assert sums[0] != sums[1]
    # At .9 the adapter it started from takes turns with the new one; else the new one decodes.
    assert {one for threshold, one in seen if threshold == 0.9} == set(sums)
    assert {one for threshold, one in seen if threshold != 0.9} == {sums[1]}
