"""Whose word a gated student's rows follow: the teacher's or their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from core.paths import user_paths
from core.train.batch import HELD_OUT_STEP
from core.train.data import Sample
from core.train.spec import TrainSpec
from core.train.student import GatedStudent, load_student
from tests.core.train.test_prefixes import greedy
from tests.core.train.test_training import spec

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
