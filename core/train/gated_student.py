"""The gated adapter under training; the base model is frozen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import KnownError
from core.model.adapter_info import AdapterInfo, read_adapter_info
from core.model.adapters import GatedAdapter
from core.model.loading import Loaded, load_gated, save_gated
from core.train.batch import HELD_OUT_STEP, make_batch
from core.train.calibration import costs_of, fitted_temperature
from core.train.data import Sample
from core.train.distill import GatedDistillation
from core.train.judging import SlotsAgree, in_parts, rates_by_slot
from core.train.prefixes import Prefixes
from core.train.spec import TrainSpec
from core.train.vocabulary import few_tokens


class GatedStudent:
    """The gated adapter on a frozen base model."""

    def __init__(self, spec: TrainSpec, base: Loaded, end_ids: Tensor) -> None:
        self._spec, self._end_ids = spec, end_ids
        torch.manual_seed(spec.seed)
        self._masks = self._new_masks(base.model)
        self.loaded = dataclasses.replace(base, masks=self._masks)
        self.base_model = base.model  # no gate is open while it is asked
        self._prefixes = Prefixes(base.model)
        self.distill = GatedDistillation(base.model, self._masks, end_ids, spec.teacher)

    @property
    def loaded_base(self) -> Loaded:
        """The same: one token a pass is the base model's own."""
        return self.loaded

    def _new_masks(self, model: Any) -> GatedAdapter:
        spec = self._spec
        if spec.start_from == "none":
            return GatedAdapter(model, spec.rank, spec.k_max, spec.slot_vectors)
        info = read_adapter_info(Path(spec.start_from))
        for name in ("kind", "k_max", "rank", "slot_vectors"):
            has, wish = getattr(info, name), getattr(spec, name)
            if has != wish:
                raise KnownError(
                    f"The adapter to start from has {name} {has}; the spec asks for {wish}.",
                    "Leave that setting out, or start from none.",
                )
        return load_gated(model, Path(spec.start_from), info)

    def prepare(self, samples: Sequence[Sample], run_dir: Path) -> None:
        """Keep what the base model says of them, and which tokens they are made of."""
        self._prefixes.keep(samples, run_dir)
        size = len(self.base_model.get_output_embeddings().weight)
        self.distill.tell_apart(few_tokens(samples, self._end_ids.tolist(), size))

    def close(self) -> None:
        """Keep it no longer."""
        self._prefixes.close()

    def judge(self, held_out: Sequence[Sample]) -> tuple[float, ...]:
        """Agreement by slot on rows that were not trained on; confidences are held to it."""
        head = self.base_model.get_output_embeddings()

        def judged(placed: Sequence[tuple[int, Sample]]) -> list[tuple[SlotsAgree, Tensor]]:
            batch = self.batch([one for _, one in placed], HELD_OUT_STEP, placed[0][0])[1]
            found = self.distill.judged(batch)
            agrees = (found.numbers.cpu() + 2, (found.picks == found.labels).cpu())
            return [(agrees, costs_of(head, found.rows, found.labels))]

        found = in_parts(judged, held_out, self._spec)
        temperature = fitted_temperature(costs for _, costs in found)
        if temperature is not None:
            known = self._masks.temperatures
            self._masks.temperatures = torch.full_like(known, temperature)
        return rates_by_slot((agrees for agrees, _ in found), self._spec.k_max)

    def cast(self, dtype: torch.dtype) -> None:
        """Nothing: the model is in its dtype, and the adapter is decoded in full precision."""

    def batch(self, samples: Sequence[Sample], step: int, first_row: int) -> tuple[Tensor, Any]:
        """Token ids [B, L], right-padded, and their mask rows with what these see."""
        token_ids, layout = make_batch(samples, self._spec, step, first_row)
        # By step and row, so that neither micro-batches nor ranks change it.
        is_mixed = self._spec.teacher == "mixed" and step != HELD_OUT_STEP
        asks = [not is_mixed or (step + first_row + b) % 2 == 0 for b in range(len(samples))]
        return token_ids, self._prefixes.batch(samples, layout, asks)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Low-rank updates, and mask vectors at a rate of their own."""
        spec = self._spec
        return [
            {"params": list(self._masks.updates), "lr": spec.learning_rate},
            {"params": [self._masks.vectors], "lr": spec.vector_learning_rate},
        ]

    def weights(self) -> dict[str, Tensor]:
        """The adapter in full precision."""
        return self._masks.weights()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Go on from a checkpoint's weights."""
        self._masks.load_weights(weights)

    def save(self, folder: Path, info: AdapterInfo, weights: dict[str, Tensor]) -> None:
        """Write the finished adapter, with the weights that `weights` gave."""
        rank, per_slot = self._spec.rank, self._spec.slot_vectors
        save_gated(weights, folder, dataclasses.replace(info, rank=rank, slot_vectors=per_slot))
