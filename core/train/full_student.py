"""Every weight of a model under training, against a frozen copy of its start."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import KnownError
from core.model.adapter_info import AdapterInfo, adapter_draft
from core.model.adapters import FullMaskRows
from core.model.loading import Loaded
from core.model.mask_token import MASK_TOKEN, add_mask_token
from core.train.batch import make_batch
from core.train.data import Sample
from core.train.distill import FullDistillation
from core.train.sharding import fill, parted, shard_layers, whole
from core.train.spec import TrainSpec


def cast_weights(model: nn.Module, dtype: torch.dtype) -> None:
    """Give a model's weights another dtype; not its buffers: positions need full precision."""
    for one in model.parameters():
        one.data = one.data.to(dtype)


class FullStudent:
    """Every weight, against a frozen copy of the start (the paper's own way)."""

    def __init__(self, spec: TrainSpec, base: Loaded, end_ids: Tensor) -> None:
        if spec.start_from != "none":
            raise KnownError(
                "A full training starts from the base model itself.", "Use --from none."
            )
        self._spec = spec
        torch.manual_seed(spec.seed)
        self._mask_id = mask_id = add_mask_token(base.model, base.tokenizer)
        self.base_model = frozen = copy.deepcopy(base.model)
        base.model.requires_grad_(True)
        self.loaded = dataclasses.replace(base, masks=FullMaskRows(base.model, mask_id, spec.k_max))
        self.distill: nn.Module = FullDistillation(
            base.model, frozen, mask_id, end_ids, spec.teacher
        )

    @property
    def loaded_base(self) -> Loaded:
        """The frozen copy; it has the mask's row, too, which must not be emitted."""
        masks = FullMaskRows(self.base_model, self._mask_id, self._spec.k_max)
        return dataclasses.replace(self.loaded, model=self.base_model, masks=masks)

    def shard(self, device: torch.device) -> None:
        """Divide both models among the ranks; each keeps its share on its device."""
        for model in (self.loaded.model, self.base_model):
            shard_layers(model, device, self._spec.processes)
        masks = FullMaskRows(self.loaded.model, self._mask_id, self._spec.k_max)
        self.loaded = dataclasses.replace(self.loaded, device=device, masks=masks)

    def cast(self, dtype: torch.dtype) -> None:
        """Give both models the dtype they will be decoded in; nothing is trained afterwards."""
        for model in (self.loaded.model, self.base_model):
            cast_weights(model, dtype)
        self.loaded = dataclasses.replace(self.loaded, dtype=dtype)

    def prepare(self, samples: Sequence[Sample], run_dir: Path) -> None:
        """Nothing: it needs to know of no row beforehand."""

    def close(self) -> None:
        """Nothing: it keeps no files."""

    def batch(self, samples: Sequence[Sample], step: int, first_row: int) -> tuple[Tensor, Any]:
        """Token ids [B, L], right-padded, and the layout of their mask rows."""
        return make_batch(samples, self._spec, step, first_row)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All weights at one rate."""
        groups = parted(self.loaded.model.parameters())
        return [{"params": group, "lr": self._spec.learning_rate} for group in groups]

    def weights(self) -> dict[str, Tensor]:
        """All weights, tied ones once; of sharded weights all ranks must ask at the same time."""
        named = self.loaded.model.named_parameters()
        if self._spec.shard:  # no single GPU holds them all
            return {name: whole(one.detach()).cpu() for name, one in named}
        return {name: one.detach() for name, one in named}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Go on from a checkpoint's weights."""
        with torch.no_grad():
            for name, one in self.loaded.model.named_parameters():
                fill(one, weights[name])

    def save(self, folder: Path, info: AdapterInfo, weights: dict[str, Tensor]) -> None:
        """Write a whole model that plain transformers can load, too."""
        with adapter_draft(folder, dataclasses.replace(info, mask_token=MASK_TOKEN)) as draft:
            self.loaded.model.save_pretrained(draft, state_dict=weights)
            self.loaded.tokenizer.save_pretrained(draft)
