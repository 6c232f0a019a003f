"""Heads and the base model's layers under training together.

The main head is held to what it was as the heads are to it: by cross-entropy with the text it has
written, and by KL from the rows of its frozen start, which are stored anyway. Embedding and output
matrix stay, so one output matrix serves what is trained and what judges it.
"""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save_file
from torch import Tensor

from core.errors import KnownError
from core.model.adapter_info import WEIGHTS_FILE, AdapterInfo, adapter_draft
from core.model.heads import Heads, heads_with, stored_weights
from core.model.loading import Loaded
from core.train.distill import Outcome
from core.train.full_student import cast_weights
from core.train.head_distill import HeadBatch, HeadsDistillation
from core.train.head_student import HeadsStudent
from core.train.losses import HeadTerms, best_tokens, head_loss
from core.train.spec import TrainSpec


class JointDistillation(HeadsDistillation):
    """Heads and the main head as students of the main head's frozen start.

    It stays the teacher of both, for its rows are stored; what verifies drafts is the main head as
    it has become, and the evaluations hold the heads against that.

    Args:
        model: The base model, its layers trained.
        heads: All heads, which are all trained.
        terms: Of their loss; the main head's own is made of the same.
        dtype: What is computed in.
    """

    def __init__(self, model: Any, heads: Heads, terms: HeadTerms, dtype: torch.dtype) -> None:
        super().__init__(heads, 0, terms, dtype)
        self.model = model
        self._main_terms = dataclasses.replace(terms, weights=(1.0,))

    def forward(self, token_ids: Tensor, batch: HeadBatch) -> Outcome:
        """The loss of one batch of token ids [B, L], right-padded."""
        hidden = self.hidden(token_ids)
        outcome = self.outcome(token_ids, hidden, batch)
        chosen = batch.answers()
        with self.precision(token_ids.device):
            main, _ = head_loss(
                self.model.get_output_embeddings(),
                hidden[chosen][:, None],
                chosen.new_ones(int(chosen.sum()), 1),
                batch.hidden[chosen],
                token_ids.roll(-1, 1)[chosen],
                self._main_terms,
            )
        return dataclasses.replace(outcome, loss=outcome.loss + main)

    def hidden(self, token_ids: Tensor) -> Tensor:
        """The main head's rows [B, L, H], as it is now."""
        with self.precision(token_ids.device):
            out = self.model.base_model(input_ids=token_ids, use_cache=False)
        return cast("Tensor", out.last_hidden_state)


class JointStudent(HeadsStudent):
    """Heads, and the layers of the model behind which they stand."""

    def __init__(
        self, spec: TrainSpec, base: Loaded, weights_hash: str, dtype: torch.dtype
    ) -> None:
        frozen = dataclasses.replace(base, model=copy.deepcopy(base.model))
        super().__init__(spec, frozen, weights_hash)
        if self.distill.frozen:
            raise KnownError(
                "Heads that stay as they are do not fit layers that learn.",
                f"Ask for the {self.distill.frozen} heads that there are, or extend without joint.",
            )
        self._trained = base
        embeddings = (base.model.get_input_embeddings(), base.model.get_output_embeddings())
        fixed = {id(one) for module in embeddings for one in module.parameters()}
        for one in base.model.parameters():
            one.requires_grad_(id(one) not in fixed)
        self.distill = JointDistillation(base.model, self.heads, self.distill.terms, dtype)

    @property
    def loaded(self) -> Loaded:
        """The trained model with the heads as they are now."""
        heads = heads_with(self._trained.model, super().weights(), self._spec.heads)
        return dataclasses.replace(self._trained, heads=heads)

    def cast(self, dtype: torch.dtype) -> None:
        """Give both models the dtype they will be decoded in; nothing is trained afterwards."""
        for one in (self._trained, self._base):
            cast_weights(one.model, dtype)
            one.dtype = dtype

    def main_head(self, token_ids: Tensor, batch: HeadBatch) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Rows [B, L, H] of the main head as it is now, and its tokens [B, L]."""
        with torch.no_grad():
            hidden = cast("JointDistillation", self.distill).hidden(token_ids)
        return hidden, best_tokens(self._trained.model.get_output_embeddings(), hidden)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The heads, and the base model's layers at a rate of their own."""
        layers = [one for one in self._trained.model.parameters() if one.requires_grad]
        rate = self._spec.base_learning_rate
        return [*super().parameter_groups(), {"params": layers, "lr": rate}]

    def weights(self) -> dict[str, Tensor]:
        """Those of the heads, and of the layers by their names in the model."""
        return super().weights() | self._layers()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Go on from a checkpoint's weights."""
        layers = self._layers()
        for name, one in layers.items():
            one.copy_(weights[name])
        super().load_weights({name: weights[name] for name in weights.keys() - layers.keys()})

    def _layers(self) -> dict[str, Tensor]:
        named = self._trained.model.named_parameters()
        return {name: one.detach() for name, one in named if one.requires_grad}

    def save(self, folder: Path, info: AdapterInfo, weights: dict[str, Tensor]) -> None:
        """Write a whole model that plain transformers can load, too, and its heads."""
        heads = {name: weights[name] for name in weights.keys() - self._layers().keys()}
        with adapter_draft(folder, self.described(info, heads)) as draft:
            self._trained.model.save_pretrained(draft)
            self._trained.tokenizer.save_pretrained(draft)
            save_file(stored_weights(heads), draft / WEIGHTS_FILE)
