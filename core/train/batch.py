"""From token sequences to the tensors of a batch, and the layout of their mask rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.train.data import Sample
from core.train.layout import Layout, build_layout, draw_k, draw_regions, offset_stream
from core.train.spec import TrainSpec

HELD_OUT_STEP = -1
"""Stands for the step in every evaluation, which so sees the same places, and all slots."""


def make_batch(
    samples: Sequence[Sample], spec: TrainSpec, step: int, first_row: int
) -> tuple[Tensor, Layout]:
    """Token ids [B, L], right-padded, and the layout of their mask rows.

    k and offset of a row come from (seed, step, row) alone, independently of each other; held-out
    rows have all slots.
    """
    token_ids = padded_ids(samples)
    regions = []
    for b, sample in enumerate(samples):
        row = first_row + b
        k_min = spec.k_max if step == HELD_OUT_STEP else spec.k_min
        k = draw_k(spec.seed, step, row, k_min, spec.k_max)
        offset = offset_stream(spec.seed, step, row)
        regions.append(draw_regions(sample.first, len(sample.token_ids), k, spec.mask_rows, offset))
    return token_ids, build_layout(regions, token_ids.shape[1])


def padded_ids(samples: Sequence[Sample], length: int | None = None) -> Tensor:
    """[B, length] token ids, padded with zeros on the right; by default to the longest row."""
    return padded([torch.tensor(one.token_ids) for one in samples], length)


def padded(rows: Sequence[Tensor], length: int | None = None) -> Tensor:
    """[B, length, ...] of rows [L, ...], padded with zeros on the right."""
    length = length or max(len(row) for row in rows)
    out = rows[0].new_zeros(len(rows), length, *rows[0].shape[1:])
    for at, row in enumerate(rows):
        out[at, : len(row)] = row
    return out
