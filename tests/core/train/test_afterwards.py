"""Before and after: what a finished training is compared with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from core.engine.request import Request
from core.engine.session import Session
from core.evaluate import bench
from core.events import Notice, ThresholdAdvised, WayCompared
from core.jsonl import read_events
from core.paths import user_paths
from core.train.loop import Training
from core.train.spec import TrainSpec
from core.train.student import copied
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
    assert [one.label for one in ways] == names
    assert isinstance(events[-1], ThresholdAdvised)
    said = [event.message for event in events if isinstance(event, Notice)]
    assert any("by construction, and checked on 2 prompts" in one for one in said)


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
