"""Self-distillation: the student's own block, judged by the frozen base model.

One batch (2602.06019, section "MTP objective"): the prefix is read once; the student predicts
slots 2..k on mask rows; the teacher reads the student's argmax block and its argmax at each
slot is the target. With the gated adapter slot 1 is the base model's own token and has no
gradient, so only slots 2..k are supervised and the prefix needs none either. Some rows of a
mixed batch ask no teacher: the base model's text is the target.

Shapes: B rows, L real positions, M mask rows a row, N regions in the batch, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.model.adapters import GatedAdapter
from core.train.layout import Layout
from core.train.losses import (
    best_tokens,
    label_loss,
    previous_in_block,
    soft_loss,
    supervised_rows,
)
from core.train.prefixes import MaskBatch
from core.train.reader import Reader
from core.train.spec import Teacher
from core.train.vocabulary import Vocabulary


@dataclass(frozen=True)
class Outcome:
    """One batch.

    Attributes:
        loss: Mean over the supervised slots, with gradient.
        agrees: [S] whether the student picks the token it is held to in a slot: the teacher's, or
            its row's own.
        slots: [S] the number of each of these slots (2, 3, ...).
    """

    loss: Tensor
    agrees: Tensor
    slots: Tensor


@dataclass(frozen=True)
class Judged:
    """The slots of a held-out batch that count.

    Attributes:
        rows: [S, H] the student's hidden rows.
        picks: [S] the tokens it says.
        labels: [S] those it should say.
        numbers: [S] of the slots, as in `Layout`: 0 is slot 2.
    """

    rows: Tensor
    picks: Tensor
    labels: Tensor
    numbers: Tensor


def at_anchors(rows: Tensor, layout: Layout) -> Tensor:
    """[N, ...] of rows [B, L, ...]: those at the anchors of the regions."""
    starts = layout.slot == 0
    return rows[starts.nonzero()[:, 0], layout.anchor[starts]]


def over_regions(per_region: Tensor, layout: Layout) -> Tensor:
    """[B, M] from [N]: every mask row gets the value of its region."""
    region = (layout.slot == 0).flatten().cumsum(0) - 1
    return per_region[region].view_as(layout.slot)


class GatedDistillation(nn.Module):
    """The gated adapter as student, the same weights with the gate shut as teacher."""

    def __init__(self, model: Any, masks: GatedAdapter, end_ids: Tensor, teacher: Teacher) -> None:
        super().__init__()
        self.masks = masks
        self._reader = Reader(model)
        self._end_ids = end_ids
        self._is_soft = teacher == "soft"
        self._all = self._learned = Vocabulary(self._reader.head)

    def tell_apart(self, token_ids: Sequence[int] | None) -> None:
        """Look only at these tokens while learning from labels; None for all."""
        self._learned = Vocabulary(self._reader.head, token_ids)

    def forward(self, token_ids: Tensor, batch: MaskBatch) -> Outcome:  # noqa: ARG002
        """The loss of one batch of token ids [B, L], right-padded, which are read already."""
        rows = self._rows(batch)
        if self._is_soft:
            head, picks = self._reader.head, self._all.best(rows)
            counts, target = self._taught(picks, batch)
            wanted = self._all.best(target)
            loss = soft_loss(head, rows[counts], head, target)
        else:
            tokens = self._learned
            picks = tokens.best(rows)
            labels = self._labels(picks, batch, tokens)
            counts = labels >= 0
            wanted = labels[counts]
            loss = tokens.loss(rows[counts], wanted)
        return Outcome(loss, picks[counts] == wanted, batch.layout.slot[counts] + 2)

    @torch.no_grad()
    def judged(self, batch: MaskBatch) -> Judged:
        """What the student says where it counts, of all tokens, and what it should say."""
        batch = batch.to(self.masks.vectors.device)
        rows = self._rows(batch)
        picks = self._all.best(rows)
        labels = self._labels(picks, batch, self._all)
        counts = labels >= 0
        return Judged(rows[counts], picks[counts], labels[counts], batch.layout.slot[counts])

    def _rows(self, batch: MaskBatch) -> Tensor:
        """The student's hidden rows [B, M, H]."""
        layout = batch.layout
        with self.masks.gate(layout.slot.shape[1]):
            return self._reader.block(self.masks.mask_vectors(layout.slot), batch.layers, layout)

    @torch.no_grad()
    def _labels(self, picks: Tensor, batch: MaskBatch, tokens: Vocabulary) -> Tensor:
        """[B, M] the token each mask row should say, -1 where none counts."""
        labels, asks = batch.labels.clone(), batch.asks
        if asks.any():
            part = batch if asks.all() else batch.of(asks)
            counts, target = self._taught(picks[asks], part)
            taught = labels.new_full(counts.shape, -1)
            taught[counts] = tokens.best(target)
            labels[asks] = taught
        return tokens.known(labels)

    @torch.no_grad()
    def _taught(self, picks: Tensor, batch: MaskBatch) -> tuple[Tensor, Tensor]:
        """Which mask rows count, [B, M], and the teacher's hidden rows [S, H] there."""
        layout = batch.layout
        first = over_regions(at_anchors(batch.best, layout), layout)
        read = previous_in_block(first, picks, layout.slot)
        counts = supervised_rows(read, layout, self._end_ids)
        return counts, self._reader.block(read, batch.layers, layout)[counts]


class FullDistillation(nn.Module):
    """All weights as student, slot 1 included; a frozen copy of the start as teacher."""

    def __init__(
        self, model: nn.Module, frozen: nn.Module, mask_id: int, end_ids: Tensor, teacher: Teacher
    ) -> None:
        super().__init__()
        self.model = model
        # In a list, so that the frozen copy is no parameter of the student.
        self._readers = [Reader(model), Reader(frozen)]
        self._mask_id = mask_id
        self._end_ids = end_ids
        self._is_soft = teacher == "soft"

    def forward(self, token_ids: Tensor, layout: Layout) -> Outcome:
        """The loss of one batch of token ids [B, L], right-padded."""
        student, frozen = self._readers
        layers, prefix = student.prefix(token_ids)
        anchors = at_anchors(prefix, layout)
        rows = student.block(torch.full_like(layout.slot, self._mask_id), layers, layout)
        first, picks = (best_tokens(student.head, one) for one in (anchors, rows))
        with torch.no_grad():
            read = previous_in_block(over_regions(first, layout), picks, layout.slot)
            counts = supervised_rows(read, layout, self._end_ids)
            frozen_layers, frozen_prefix = frozen.prefix(token_ids)
            target = frozen.block(read, frozen_layers, layout)[counts]
        real = layout.valid[layout.slot == 0]
        targets = torch.cat([at_anchors(frozen_prefix, layout)[real], target])
        found = torch.cat([anchors[real], rows[counts]])
        wanted = best_tokens(frozen.head, targets)
        if self._is_soft:
            loss = soft_loss(student.head, found, frozen.head, targets)
        else:
            loss = label_loss(student.head, found, wanted)
        slots = torch.cat([torch.ones_like(first[real]), layout.slot[counts] + 2])
        return Outcome(loss, torch.cat([first[real], picks[counts]]) == wanted, slots)
