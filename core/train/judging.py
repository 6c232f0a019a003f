"""Where student and teacher agree on held-out samples, some of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import torch

from core.train.batch import HELD_OUT_STEP
from core.train.data import Sample
from core.train.memory import in_halves
from core.train.spec import TrainSpec

if TYPE_CHECKING:
    from core.train.student import Student

Result = TypeVar("Result")

SlotsAgree = tuple[torch.Tensor, torch.Tensor]
"""Numbers of slots [S], and whether student and teacher agree in them [S]."""


def in_parts(
    work: Callable[[Sequence[tuple[int, Sample]]], list[Result]],
    samples: Sequence[Sample],
    spec: TrainSpec,
) -> list[Result]:
    """The results of work on held-out samples with their places, some at a time.

    A sample's slots depend on its place.
    """
    placed, size = list(enumerate(samples)), spec.micro_sequences
    parts = [placed[at : at + size] for at in range(0, len(placed), size)]
    # Sharded ranks must do the same passes: none can go on by itself with less.
    return [one for part in parts for one in (work(part) if spec.shard else in_halves(work, part))]


def rates_by_slot(found: Iterable[SlotsAgree], k_max: int) -> tuple[float, ...]:
    """Share of slots 2..k_max that agree."""
    agreed, seen = torch.zeros(k_max + 1), torch.zeros(k_max + 1)
    for slots, agrees in found:
        agreed.index_add_(0, slots, agrees.float())
        seen.index_add_(0, slots, torch.ones(len(slots)))
    rates = agreed / seen.clamp(min=1)
    return tuple(round(rate, 4) for rate in rates[2:].tolist())


@torch.no_grad()
def agreement_by_slot(
    student: Student, samples: Sequence[Sample], spec: TrainSpec
) -> tuple[float, ...]:
    """Share of slots 2..k_max where student and teacher agree on held-out samples."""
    device = student.loaded.device

    def judged(placed: Sequence[tuple[int, Sample]]) -> list[SlotsAgree]:
        batch = [one for _, one in placed]
        token_ids, read = student.batch(batch, HELD_OUT_STEP, placed[0][0])
        outcome = student.distill(token_ids.to(device), read.to(device))
        return [(outcome.slots.cpu(), outcome.agrees.cpu())]

    return rates_by_slot(in_parts(judged, samples, spec), spec.k_max)
