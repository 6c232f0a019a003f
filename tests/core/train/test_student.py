"""Whose word a gated student's rows follow: the teacher's or their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.model.adapters import TEMPERATURES
from core.paths import user_paths
from core.train import calibration
from core.train.batch import HELD_OUT_STEP
from core.train.checkpoint import load_best
from core.train.data import Sample
from core.train.distill import Judged
from core.train.gated_student import GatedStudent
from core.train.judging import agreement_by_slot
from core.train.spec import TrainSpec
from core.train.student import load_student
from tests.core.toy import greedy
from tests.core.train.test_training import run_training, spec

__all__ = ["spec"]  # fixture


def student_and_rows(spec: TrainSpec, folder: Path) -> tuple[GatedStudent, list[Sample]]:
    student = load_student(spec, user_paths(), torch.device("cpu"), torch.float32)
    assert isinstance(student, GatedStudent)
    with torch.no_grad():
        texts = [greedy(student.base_model, [first, 6, 7], 12) for first in range(20, 24)]
    rows = [Sample(tuple(one), 2) for one in texts]
    student.prepare(rows, folder)
    return student, rows


def asks(student: GatedStudent, rows: list[Sample], step: int, first_row: int) -> list[bool]:
    found: list[bool] = student.batch(rows, step, first_row)[1].asks.tolist()
    return found


def test_rows_of_the_models_own_ask_the_teacher_every_other_time(spec, tmp_path) -> None:
    student, rows = student_and_rows(spec, tmp_path)
    assert spec.teacher == "mixed"
    assert asks(student, rows, 4, 0) == [True, False, True, False]
    assert asks(student, rows, 5, 0) == [False, True, False, True]
    # The same in micro-batches or on several ranks, wherever they begin.
    assert asks(student, rows[1:], 4, 1) == [False, True, False]
    assert asks(student, rows, HELD_OUT_STEP, 0) == [True] * 4


def test_a_hard_teacher_is_always_asked(spec, tmp_path) -> None:
    student, rows = student_and_rows(dataclasses.replace(spec, teacher="hard"), tmp_path)
    assert asks(student, rows, 4, 0) == asks(student, rows, 5, 0) == [True] * 4


def test_the_temperature_undoes_logits_that_are_too_large(spec, tmp_path, monkeypatch) -> None:
    """Labels drawn from the student's own distribution at 1.5, as if it were half too sure."""
    student, rows = student_and_rows(spec, tmp_path)
    head = student.loaded.model.get_output_embeddings()
    torch.manual_seed(0)
    hidden = torch.randn(3000, head.in_features) * 3
    logits = head(hidden)
    labels = torch.distributions.Categorical(logits=logits / 1.5).sample()
    numbers = torch.arange(3000) % 2  # no place of the third slot
    judged = Judged(hidden, logits.argmax(-1), labels, numbers)
    monkeypatch.setattr(student.distill, "judged", lambda _batch: judged)
    agreement = student.judge(rows[:1])
    right = (judged.picks == labels).float()
    shares = [right[numbers == one].mean().item() for one in (0, 1)]
    assert agreement == pytest.approx((*shares, 0.0), abs=1e-4)
    found = student.loaded.masks.temperatures
    torch.testing.assert_close(found, torch.full((3,), 1.5), atol=0.1, rtol=0.0)
    assert torch.equal(student.weights()[TEMPERATURES], found)


def test_the_agreement_is_that_of_the_batches_a_step_would_see(spec, tmp_path) -> None:
    student, rows = student_and_rows(spec, tmp_path)
    agreement = student.judge(rows)
    assert any(agreement)
    assert agreement == agreement_by_slot(student, rows, spec)


def test_few_held_out_places_leave_an_adapter_as_sure_as_it_was(spec, tmp_path) -> None:
    student, rows = student_and_rows(spec, tmp_path)
    student.loaded.masks.temperatures = torch.full((3,), 1.5)
    student.judge(rows)
    assert calibration.FEWEST > 4 * 12 * 3  # more than these rows can have
    assert student.loaded.masks.temperatures.tolist() == [1.5, 1.5, 1.5]


def test_an_evaluation_calibrates_first(spec, tmp_path, monkeypatch) -> None:
    """So its figures, and the adapter it may keep as the best, are those of the finished one."""
    monkeypatch.setattr(calibration, "FEWEST", 1)
    monkeypatch.setattr(calibration, "GRID", (1.3,))
    run_training(dataclasses.replace(spec, steps=1), tmp_path / "run")
    written = load_file(Path(spec.out) / "adapter.safetensors")
    best = load_best(tmp_path / "run")
    for weights in (written, best):
        torch.testing.assert_close(
            weights[TEMPERATURES].float(), torch.full((3,), 1.3), atol=0.01, rtol=0.0
        )


def test_a_file_with_temperatures_below_one_is_refused(spec, tmp_path) -> None:
    student, _rows = student_and_rows(spec, tmp_path)
    weights = student.weights() | {TEMPERATURES: torch.tensor([1.0, 0.5, 1.0])}
    with pytest.raises(ValueError, match="temperatures"):
        student.load_weights(weights)


def test_an_adapter_without_temperatures_has_ones(spec, tmp_path) -> None:
    student, _rows = student_and_rows(spec, tmp_path)
    known = {name: one.clone() for name, one in student.weights().items()}
    del known[TEMPERATURES]
    student.loaded.masks.temperatures = torch.full((3,), 1.7)
    student.load_weights(known)
    assert student.loaded.masks.temperatures.tolist() == [1.0, 1.0, 1.0]
