"""From token sequences to the tensors of a batch, and the layout of their mask rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.train.data import Sample
from core.train.layout import Layout, build_layout, draw_k, draw_regions, offset_stream
from core.train.spec import TrainSpec


def make_batch(
    samples: Sequence[Sample], spec: TrainSpec, step: int, first_row: int
) -> tuple[Tensor, Layout]:
    """Token ids [B, L], right-padded, and the layout of their mask rows.

    k and offset of a row come from (seed, step, row) alone, independently of each other.
    """
    length = max(len(sample.token_ids) for sample in samples)
    token_ids = torch.zeros(len(samples), length, dtype=torch.long)
    regions = []
    for b, sample in enumerate(samples):
        row = first_row + b
        token_ids[b, : len(sample.token_ids)] = torch.tensor(sample.token_ids)
        k = draw_k(spec.seed, step, row, spec.k_min, spec.k_max)
        offset = offset_stream(spec.seed, step, row)
        regions.append(draw_regions(sample.first, len(sample.token_ids), k, spec.mask_rows, offset))
    return token_ids, build_layout(regions, length)
