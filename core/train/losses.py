"""What a batch's logits cost, and which of its slots count.

Shapes: B rows, M mask rows a row, S supervised slots, V vocabulary.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from core.train.layout import Layout

Teacher = Literal["hard", "soft"]


def previous_in_block(first: Tensor, block: Tensor, slot: Tensor) -> Tensor:
    """What the teacher reads: each mask row holds the block's token before its own slot.

    Args:
        first: [B, M] the slot-1 token of each mask row's region.
        block: [B, M] the student's token at each mask row's own slot.
        slot: [B, M] as in `Layout`.
    """
    return torch.where(slot == 0, first, torch.roll(block, 1, dims=1))


def supervised_rows(read: Tensor, layout: Layout, end_ids: Tensor) -> Tensor:
    """[B, M] rows that count: valid, and no end token was read before them in their block.

    Behind an end token decoding stops, so what the later slots say does not matter.
    """
    ended = torch.isin(read, end_ids.to(read.device))
    for _ in range(int(layout.slot.max())):
        ended = ended | (torch.roll(ended, 1, dims=1) & (layout.slot > 0))
    return layout.valid & ~ended


def slot_loss(student: Tensor, teacher: Tensor, kind: Teacher) -> Tensor:
    """Mean loss of student logits [S, V] against teacher logits [S, V], in float32.

    Hard: cross-entropy with the teacher's argmax (the paper's choice, 2602.06019 table
    "supervision"). Soft: KL from the teacher's whole distribution.
    """
    if not student.shape[0]:
        return student.float().sum()  # nothing counts in this batch: no loss, no gradient
    if kind == "hard":
        return nn.functional.cross_entropy(student.float(), teacher.argmax(-1))
    log_p = torch.log_softmax(student.float(), -1)
    log_q = torch.log_softmax(teacher.float(), -1)
    return nn.functional.kl_div(log_p, log_q, log_target=True, reduction="batchmean")
