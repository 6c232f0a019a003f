"""When memory runs out: the same work, less at a time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from core.errors import KnownError
from core.train.memory import in_halves


class Work:
    """Doubles numbers, as many as fit at a time."""

    def __init__(self, fit: int) -> None:
        self.fit = fit
        self.done: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        if len(items) > self.fit:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.done.append(len(items))
        return [2 * item for item in items]


@pytest.mark.parametrize(("fit", "done"), [(9, [5]), (3, [2, 3]), (2, [2, 1, 2])])
def test_the_results_are_the_same_in_pieces(fit: int, done: list[int]) -> None:
    work = Work(fit)
    assert in_halves(work, [1, 2, 3, 4, 5]) == [2, 4, 6, 8, 10]
    assert work.done == done


def test_what_does_not_fit_alone_is_told() -> None:
    with pytest.raises(KnownError, match="One row alone does not fit"):
        in_halves(Work(0), [1, 2])


def test_other_failures_are_not_tried_again() -> None:
    def work(_items: Sequence[int]) -> list[int]:
        tried.append(1)
        raise RuntimeError("shapes differ")

    tried: list[int] = []
    with pytest.raises(RuntimeError, match="shapes"):
        in_halves(work, [1, 2])
    assert tried == [1]
