"""Heads learn from the main head: cross-entropy and forward KL on stored hidden rows.

Everything is lined up by what is predicted: at position s the main head's row predicts token
s + 1, and so does head n's row of position s - n (n from 1), which has read tokens up to s. So
one row of the main head judges all heads (MTP-D, 2603.23911; notation of DeepSeek-V3, 2412.19437).

Shapes: B rows, L positions, N heads, S positions that are supervised, H hidden size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.model.heads import Heads
from core.train.distill import Outcome
from core.train.losses import PIECE_ROWS, HeadTerms, head_loss


@dataclass(frozen=True)
class HeadBatch:
    """What a batch of token ids [B, L] comes with.

    Attributes:
        hidden: [B, L, H] the model's last hidden rows.
        best: [B, L] the main head's token behind each position of an answer.
        first: [B] the last position of each prompt, from which drafting begins.
        length: [B] tokens of each row; what follows is padding.
    """

    hidden: Tensor
    best: Tensor
    first: Tensor
    length: Tensor

    def to(self, device: torch.device) -> HeadBatch:
        """The same batch on another device."""
        return HeadBatch(
            self.hidden.to(device),
            self.best.to(device),
            self.first.to(device),
            self.length.to(device),
        )

    def answers(self) -> Tensor:
        """[B, L] positions whose next token belongs to an answer."""
        place = torch.arange(self.best.shape[1], device=self.first.device)[None]
        return (place >= self.first[:, None]) & (place + 1 < self.length[:, None])

    def drafted(self) -> Tensor:
        """[B, L] those whose next token some head can have drafted: not an answer's first."""
        place = torch.arange(self.best.shape[1], device=self.first.device)[None]
        return self.answers() & (place > self.first[:, None])

    def counts(self, heads: range) -> Tensor:
        """[B, L, N] which of these heads would have drafted the token behind a position."""
        place = torch.arange(self.best.shape[1], device=self.first.device)[None, :, None]
        depth = torch.tensor([head + 1 for head in heads], device=self.first.device)
        began = place - depth >= self.first[:, None, None]
        return began & self.drafted()[..., None]


class HeadsDistillation(nn.Module):
    """Heads as students, the model's own output as teacher.

    Args:
        heads: All heads.
        frozen: How many of them, the first ones, are not trained.
        terms: Of the loss; a weight for each trained head.
        dtype: What they are computed in.
    """

    def __init__(self, heads: Heads, frozen: int, terms: HeadTerms, dtype: torch.dtype) -> None:
        super().__init__()
        self.layers = heads.layers
        self.frozen, self.terms = frozen, terms
        self._heads = heads
        self._dtype = dtype

    def forward(self, token_ids: Tensor, batch: HeadBatch) -> Outcome:
        """The loss of one batch of token ids [B, L], right-padded."""
        return self.outcome(token_ids, batch.hidden, batch)

    def outcome(self, token_ids: Tensor, hidden: Tensor, batch: HeadBatch) -> Outcome:
        """The loss of heads that read the main head's rows `hidden` [B, L, H]."""
        trained = range(self.frozen, self._heads.count)
        chosen = batch.drafted()
        counts = batch.counts(trained)[chosen]
        with self.precision(token_ids.device):
            rows = self._rows(token_ids, hidden)[:, :, self.frozen :][chosen]
            loss, picks = head_loss(
                self._heads.logits,
                rows,
                counts,
                batch.hidden[chosen],
                self._heads.places(token_ids.roll(-1, 1)[chosen]),
                self.terms,
            )
        agrees = self._heads.tokens(picks) == batch.best[chosen][:, None]
        slots = torch.tensor([head + 2 for head in trained], device=counts.device)
        return Outcome(loss, agrees[counts], slots.expand_as(counts)[counts])

    @torch.no_grad()
    def drafts(self, token_ids: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """What all heads would draft behind each position: tokens and confidences [B, L, N].

        Args:
            token_ids: [B, L], right-padded.
            hidden: [B, L, H] the main head's rows.
        """
        with self.precision(token_ids.device):
            rows = self._rows(token_ids, hidden)
            flat = rows.flatten(0, 2)
            pieces = [self._sure(one) for one in torch.split(flat, PIECE_ROWS)]
        sure, picks = (torch.cat(one).view(rows.shape[:3]) for one in zip(*pieces, strict=True))
        return self._heads.tokens(picks), sure

    def _sure(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        found = self._heads.logits(rows).float().softmax(-1).max(-1)
        return found.values, found.indices

    def precision(self, device: torch.device) -> torch.autocast:
        """What trained weights are computed in."""
        # The weights are held in full precision, to take small updates.
        return torch.autocast(device.type, self._dtype, enabled=self._dtype == torch.bfloat16)

    def _rows(self, token_ids: Tensor, hidden: Tensor) -> Tensor:
        """[B, L, N, H]: at each position what every head says of the token behind it."""
        lined_up = []
        for head in range(self._heads.count):
            # The last position has no token to read any more, at every head one more of them.
            with torch.set_grad_enabled(torch.is_grad_enabled() and head >= self.frozen):
                hidden = self._heads.run(head, hidden[:, :-1], token_ids[:, 1 + head :], 0, None)
            lined_up.append(nn.functional.pad(hidden, (0, 0, 1 + head, 0)))
        return torch.stack(lined_up, 2)
