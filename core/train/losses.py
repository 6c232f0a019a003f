"""What a batch's rows cost, and which of its slots count.

Shapes: B rows, M mask rows a row, S supervised slots, H hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from core.train.layout import Layout

Teacher = Literal["hard", "soft"]
PIECE_ROWS = 128
"""Rows whose logits stand in memory at a time: 25 MB in float32 for 49,152 tokens."""


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


def best_tokens(head: nn.Module, rows: Tensor) -> Tensor:
    """[...] the likeliest token of each hidden row [..., H], a few rows at a time."""
    with torch.no_grad():
        pieces = [_best(head(one)) for one in torch.split(rows.flatten(0, -2), PIECE_ROWS)]
    return torch.cat(pieces).view(rows.shape[:-1])


def _best(logits: Tensor) -> Tensor:
    """The argmax of logits [..., V], which `max` finds on the CPU in a fifth of `argmax`'s time."""
    return logits.max(-1).indices


def slot_loss(
    head: nn.Module, rows: Tensor, teacher_head: nn.Module, teacher_rows: Tensor, kind: Teacher
) -> tuple[Tensor, Tensor]:
    """Mean loss of hidden rows [S, H] against the teacher's, in float32, and its tokens [S].

    Hard: cross-entropy with the teacher's argmax (the paper's choice, 2602.06019 table
    "supervision"). Soft: KL from the teacher's whole distribution.
    """
    learns = torch.is_grad_enabled()  # asked here: inside the function it is always off
    weights = [one for one in head.parameters() if learns and one.requires_grad]
    found: tuple[Tensor, Tensor] = _SlotLoss.apply(  # type: ignore[no-untyped-call]
        rows, head, teacher_head, teacher_rows, kind, learns, *weights
    )
    return found


class _SlotLoss(torch.autograd.Function):
    """The loss and its gradient in one go, a few rows at a time.

    The logits of a whole batch would be the largest tensors of a step: [S, V] in float32, several
    times over.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        head: nn.Module,
        teacher_head: nn.Module,
        teacher_rows: Tensor,
        kind: Teacher,
        learns: bool,
        *weights: Tensor,
    ) -> tuple[Tensor, Tensor]:
        total = rows.new_zeros((), dtype=torch.float32)
        gradients = [torch.zeros_like(one) for one in (rows, *weights)] if learns else []
        tokens = []
        for at in range(0, len(rows), PIECE_ROWS):
            here = slice(at, at + PIECE_ROWS)
            piece = rows[here].detach().requires_grad_(learns)
            with torch.set_grad_enabled(learns):
                logits = head(piece)
            loss, gradient, best = _loss_of_logits(
                logits.detach(), teacher_head(teacher_rows[here]), kind
            )
            total += loss
            tokens.append(best)
            if learns:
                found = torch.autograd.grad(logits, (piece, *weights), gradient.to(logits.dtype))
                gradients[0][here] = found[0]
                for summed, one in zip(gradients[1:], found[1:], strict=True):
                    summed.add_(one)
        count = max(1, len(rows))
        ctx.gradients = [one.div_(count) for one in gradients]
        wanted = torch.cat(tokens) if tokens else rows.new_zeros(0, dtype=torch.long)
        ctx.mark_non_differentiable(wanted)
        return total / count, wanted

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        # In place, for weights of a vocabulary are large: a graph is gone through once.
        rows, *weights = (one.mul_(outer) for one in ctx.gradients)
        return rows, None, None, None, None, None, *weights


def _loss_of_logits(
    student: Tensor, teacher: Tensor, kind: Teacher
) -> tuple[Tensor, Tensor, Tensor]:
    """Summed loss of logits [S, V], its gradient [S, V] and the teacher's tokens [S]."""
    log_p = student.float().log_softmax(-1)
    best = _best(teacher)[:, None]
    if kind == "hard":
        loss = -log_p.gather(-1, best).sum()
        gradient = log_p.exp_()
        gradient.scatter_add_(-1, best, -torch.ones_like(best, dtype=gradient.dtype))
    else:
        log_q = teacher.float().log_softmax(-1)
        loss = (log_q.exp() * (log_q - log_p)).sum()
        gradient = log_p.exp_().sub_(log_q.exp_())
    return loss, gradient, best[:, 0]
