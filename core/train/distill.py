"""Self-distillation: the student's own block, judged by the frozen base model.

One batch (2602.06019, section "MTP objective"): the prefix is read once; the student predicts
slots 2..k on mask rows; the teacher reads the student's argmax block and its argmax at each
slot is the target. With the gated adapter slot 1 is the base model's own token and has no
gradient, so only slots 2..k are supervised and the prefix needs none either.

Shapes: B rows, L real positions, M mask rows a row, N regions in the batch, H hidden size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from core.errors import KnownError
from core.model.adapters import GatedAdapter
from core.train.attention import quick_gradient
from core.train.layout import Layout
from core.train.losses import (
    Teacher,
    best_tokens,
    previous_in_block,
    slot_loss,
    supervised_rows,
)


@dataclass(frozen=True)
class Outcome:
    """One batch.

    Attributes:
        loss: Mean over the supervised slots, with gradient.
        agrees: [S] whether student and teacher pick the same token in a slot.
        slots: [S] the number of each of these slots (2, 3, ...).
    """

    loss: Tensor
    agrees: Tensor
    slots: Tensor


class Reader:
    """A causal model read in two parts: a shared prefix, then blocks behind it.

    Attributes:
        head: Turns the rows it gives into logits.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._embed = model.get_input_embeddings()
        self.head = model.get_output_embeddings()

        if model.config._attn_implementation != "sdpa":  # noqa: SLF001  (it has no public name)
            raise KnownError(
                "This model's attention cannot be trained: masks of true and false need torch's "
                "scaled dot-product attention (sdpa).",
                "Choose another model.",
            )

    def prefix(self, token_ids: Tensor, layout: Layout) -> tuple[DynamicCache, Tensor]:
        """Cache of the prefix [B, L] and the last hidden rows [N, H] at its anchors."""
        cache = DynamicCache()
        rows = self._run(self._embed(token_ids), cache)
        starts = layout.slot == 0
        batch = starts.nonzero()[:, 0]
        return cache, rows[batch, layout.anchor[starts]]

    def block(self, inputs: Tensor, cache: DynamicCache, layout: Layout) -> Tensor:
        """Last hidden rows [B, M, H] of block rows, given as ids [B, M] or embeddings [B, M, H]."""
        embeddings = inputs if inputs.is_floating_point() else self._embed(inputs)
        # A fork over the same entries: student and teacher must not see each other's rows.
        layers: list[Any] = cache.layers
        forked = DynamicCache(ddp_cache_data=[(one.keys, one.values) for one in layers])
        rows = embeddings.to(self.head.weight.dtype)
        with quick_gradient(self._model, rows):
            return self._run(
                rows, forked, attention_mask=layout.allow, position_ids=layout.position
            )

    def _run(self, embeddings: Tensor, cache: DynamicCache, **how: Tensor) -> Tensor:
        out = self._model.base_model(
            inputs_embeds=embeddings, past_key_values=cache, use_cache=True, **how
        )
        return cast("Tensor", out.last_hidden_state)


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
        self._teacher: Teacher = teacher

    def forward(self, token_ids: Tensor, layout: Layout) -> Outcome:
        """The loss of one batch of token ids [B, L], right-padded."""
        head = self._reader.head
        with torch.no_grad():
            cache, anchors = self._reader.prefix(token_ids, layout)
            first = over_regions(best_tokens(head, anchors), layout)
        with self.masks.gate(layout.slot.shape[1]):
            rows = self._reader.block(self.masks.mask_vectors(layout.slot), cache, layout)
        picks = best_tokens(head, rows)
        with torch.no_grad():
            read = previous_in_block(first, picks, layout.slot)
            counts = supervised_rows(read, layout, self._end_ids)
            target = self._reader.block(read, cache, layout)[counts]
        loss, wanted = slot_loss(head, rows[counts], head, target, self._teacher)
        return Outcome(loss, picks[counts] == wanted, layout.slot[counts] + 2)


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
        self._teacher: Teacher = teacher

    def forward(self, token_ids: Tensor, layout: Layout) -> Outcome:
        """The loss of one batch of token ids [B, L], right-padded."""
        student, frozen = self._readers
        cache, anchors = student.prefix(token_ids, layout)
        rows = student.block(torch.full_like(layout.slot, self._mask_id), cache, layout)
        first, picks = (best_tokens(student.head, one) for one in (anchors, rows))
        with torch.no_grad():
            read = previous_in_block(over_regions(first, layout), picks, layout.slot)
            counts = supervised_rows(read, layout, self._end_ids)
            frozen_cache, frozen_anchors = frozen.prefix(token_ids, layout)
            target = frozen.block(read, frozen_cache, layout)[counts]
        real = layout.valid[layout.slot == 0]
        loss, wanted = slot_loss(
            student.head,
            torch.cat([anchors[real], rows[counts]]),
            frozen.head,
            torch.cat([frozen_anchors[real], target]),
            self._teacher,
        )
        slots = torch.cat([torch.ones_like(first[real]), layout.slot[counts] + 2])
        return Outcome(loss, torch.cat([first[real], picks[counts]]) == wanted, slots)
