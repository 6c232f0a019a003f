"""What a batch's rows cost, and which of its slots count.

Shapes: B rows, M mask rows a row, S supervised slots, N heads, H hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from core.train.layout import Layout

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


def label_loss(head: nn.Module, rows: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of hidden rows [S, H] with tokens [S], in float32.

    With the teacher's argmax it is the paper's choice (2602.06019, table "supervision").
    """
    return _slot_loss(head, rows, lambda here: labels[here])


def soft_loss(
    head: nn.Module, rows: Tensor, teacher_head: nn.Module, teacher_rows: Tensor
) -> Tensor:
    """Mean KL of hidden rows [S, H] from the teacher's whole distribution, in float32."""
    return _slot_loss(head, rows, lambda here: teacher_head(teacher_rows[here]))


def _slot_loss(head: nn.Module, rows: Tensor, targets: Callable[[slice], Tensor]) -> Tensor:
    learns = torch.is_grad_enabled()  # asked here: inside the function it is always off
    weights = [one for one in head.parameters() if learns and one.requires_grad]
    loss: Tensor = _SlotLoss.apply(  # type: ignore[no-untyped-call]
        rows, head, targets, learns, *weights
    )
    return loss


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
        targets: Callable[[slice], Tensor],
        learns: bool,
        *weights: Tensor,
    ) -> Tensor:
        total = rows.new_zeros((), dtype=torch.float32)
        gradients = [torch.zeros_like(one) for one in (rows, *weights)] if learns else []
        for at in range(0, len(rows), PIECE_ROWS):
            here = slice(at, at + PIECE_ROWS)
            piece = rows[here].detach().requires_grad_(learns)
            with torch.set_grad_enabled(learns):
                logits = head(piece)
            loss, gradient = _loss_of_logits(logits.detach(), targets(here))
            total += loss
            if learns:
                found = torch.autograd.grad(logits, (piece, *weights), gradient.to(logits.dtype))
                gradients[0][here] = found[0]
                for summed, one in zip(gradients[1:], found[1:], strict=True):
                    summed.add_(one)
        count = max(1, len(rows))
        ctx.gradients = [one.div_(count) for one in gradients]
        return total / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        # In place, for weights of a vocabulary are large: a graph is gone through once.
        rows, *weights = (one.mul_(outer) for one in ctx.gradients)
        return rows, None, None, None, *weights


def _loss_of_logits(student: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Summed loss of logits [S, V] and its gradient [S, V].

    Args:
        student: The logits.
        target: Tokens [S], or a teacher's logits [S, V].
    """
    log_p = student.float().log_softmax(-1)
    if target.dim() == 1:
        labels = target[:, None]
        loss = -log_p.gather(-1, labels).sum()
        gradient = log_p.exp_()
        gradient.scatter_add_(-1, labels, -torch.ones_like(labels, dtype=gradient.dtype))
    else:
        log_q = target.float().log_softmax(-1)
        loss = (log_q.exp() * (log_q - log_p)).sum()
        gradient = log_p.exp_().sub_(log_q.exp_())
    return loss, gradient


@dataclass(frozen=True)
class HeadTerms:
    """What the loss of heads is made of (MTP-D, 2603.23911: its CE and KL terms).

    Attributes:
        weights: Of each head.
        ce: Weight of the cross-entropy with the token that follows.
        kl: Weight of the forward KL from the main head's distribution to the head's, both
            restricted to the main head's `top_n` tokens and renormalised.
    """

    weights: tuple[float, ...]
    ce: float
    kl: float
    top_n: int


def head_loss(
    logits_of: Callable[[Tensor], Tensor],
    rows: Tensor,
    counts: Tensor,
    teacher_rows: Tensor,
    targets: Tensor,
    terms: HeadTerms,
) -> tuple[Tensor, Tensor]:
    """Mean loss of heads over what counts, in float32, and where each has its best token [S, N].

    Every row of the main head judges all heads that predict the same token: its logits are
    computed once, here, and never stored. It gets no gradient.

    Args:
        logits_of: Turns rows [..., H] into logits [..., V]; frozen.
        rows: [S, N, H] what each head says of a token.
        counts: [S, N] which of it is supervised.
        teacher_rows: [S, H] the main head's rows, which predict the same tokens.
        targets: [S] the tokens that follow, as places in the logits; -1 where they have none.
        terms: Of the loss.
    """
    found: tuple[Tensor, Tensor] = _HeadLoss.apply(  # type: ignore[no-untyped-call]
        rows, logits_of, counts, teacher_rows, targets, terms
    )
    return found


class _HeadLoss(torch.autograd.Function):
    """The loss and its gradient in one go, a few rows at a time (see `_SlotLoss`)."""

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        logits_of: Callable[[Tensor], Tensor],
        counts: Tensor,
        teacher_rows: Tensor,
        targets: Tensor,
        terms: HeadTerms,
    ) -> tuple[Tensor, Tensor]:
        learns = ctx.needs_input_grad[0]
        total = rows.new_zeros((), dtype=torch.float32)
        gradients = torch.zeros_like(rows) if learns else None
        picks = counts.new_zeros(counts.shape, dtype=torch.long)
        size = max(1, PIECE_ROWS // max(1, counts.shape[1]))
        for at in range(0, len(rows), size):
            here = slice(at, at + size)
            piece = rows[here].detach().requires_grad_(learns)
            with torch.set_grad_enabled(learns):
                logits = logits_of(piece)
            teacher = logits_of(teacher_rows[here]).float() if terms.kl else None
            losses, gradient = _loss_of_heads(logits.detach(), teacher, targets[here], terms)
            total += (losses * counts[here]).sum()
            picks[here] = _best(logits.detach())
            if gradients is not None:
                gradient.mul_(counts[here, :, None])
                found = torch.autograd.grad(logits, piece, gradient.to(logits.dtype))
                gradients[here] = found[0]
        count = max(1, int(counts.sum()))
        ctx.gradients = gradients.div_(count) if gradients is not None else None
        ctx.mark_non_differentiable(picks)
        return total / count, picks

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.gradients.mul_(outer), None, None, None, None, None


def _loss_of_heads(
    student: Tensor, teacher: Tensor | None, targets: Tensor, terms: HeadTerms
) -> tuple[Tensor, Tensor]:
    """Weighted losses [S, N] of logits [S, N, V] and their gradient [S, N, V]."""
    log_p = student.float().log_softmax(-1)
    share = log_p.new_tensor(terms.weights)
    place = targets.clamp(min=0)[:, None, None].expand(-1, len(terms.weights), 1)
    # A token that cannot be drafted teaches nothing.
    ce = terms.ce * (targets >= 0).to(log_p.dtype)[:, None] * share
    losses = -log_p.gather(-1, place)[..., 0] * ce
    gradient = log_p.exp() * ce[..., None]
    gradient.scatter_add_(-1, place, -ce[..., None])
    if teacher is not None:
        kl, kl_gradient, tops = _kl_on_top(log_p, teacher[:, None], terms.top_n)
        losses += kl * (terms.kl * share)
        kl_gradient *= (terms.kl * share)[:, None]
        if tops is None:
            gradient += kl_gradient
        else:
            gradient.scatter_add_(-1, tops, kl_gradient)
    return losses, gradient


def _kl_on_top(log_p: Tensor, teacher: Tensor, top_n: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """Forward KL [S, N] on the teacher's [S, 1, V] best tokens, and its gradient at these.

    Returns:
        KL, gradient [S, N, top_n] by the logits, and the places [S, N, top_n] of these tokens;
        None where they are the whole vocabulary.
    """
    tops = None
    if top_n < teacher.shape[-1]:
        best = teacher.topk(top_n, sorted=False)
        teacher, tops = best.values, best.indices.expand(-1, log_p.shape[1], -1)
        log_p = log_p.gather(-1, tops).log_softmax(-1)
    log_q = teacher.log_softmax(-1)
    q = log_q.exp()
    return (q * (log_q - log_p)).sum(-1), log_p.exp() - q, tops
