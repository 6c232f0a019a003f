"""What is being trained: one class for each kind of adapter, built from a spec."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from core.errors import KnownError
from core.model.adapter_info import (
    AdapterInfo,
    adapter_draft,
    check_fits,
    read_adapter_info,
)
from core.model.adapters import FullMaskRows, GatedAdapter
from core.model.fingerprint import cached_weights_hash, text_fingerprint
from core.model.loading import Loaded, load_base, load_gated, save_gated
from core.model.mask_token import MASK_TOKEN, add_mask_token
from core.model.store import inspect_folder
from core.paths import Paths
from core.train.batch import HELD_OUT_STEP, make_batch
from core.train.calibration import Costs, costs_of, fitted_temperatures
from core.train.data import Sample
from core.train.distill import FullDistillation, GatedDistillation
from core.train.memory import in_halves
from core.train.prefixes import Prefixes
from core.train.sharding import fill, parted, shard_layers, whole
from core.train.spec import OWN_HEADS, TrainSpec


class Student(Protocol):
    """A model under training.

    Attributes:
        base_model: What it started from and is judged by.
    """

    base_model: Any

    @property
    def distill(self) -> nn.Module:
        """The module that turns a batch into a loss."""

    @property
    def loaded(self) -> Loaded:
        """The model with what is trained, as it is now, ready for the engine."""

    @property
    def loaded_base(self) -> Loaded:
        """What it started from, ready for the engine."""

    def prepare(self, samples: Sequence[Sample], run_dir: Path) -> None:
        """Look at the training rows, once, before the first batch."""

    def close(self) -> None:
        """Remove what was kept on the disk for this run's batches alone."""

    def cast(self, dtype: torch.dtype) -> None:
        """Give what was trained the dtype it will be decoded in; nothing is trained afterwards."""

    def batch(self, samples: Sequence[Sample], step: int, first_row: int) -> tuple[Tensor, Any]:
        """Token ids [B, L] of rows, right-padded, and what else `distill` reads of them."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What the optimizer trains, with learning rates."""

    def weights(self) -> dict[str, Tensor]:
        """What a checkpoint holds; of sharded weights all ranks must ask at the same time."""

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Go on from a checkpoint's weights."""

    def save(self, folder: Path, info: AdapterInfo, weights: dict[str, Tensor]) -> None:
        """Write the finished adapter, with the weights that `weights` gave."""


def copied(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that stay as they are while the student learns."""
    return {name: one.clone() for name, one in weights.items()}


def cast_weights(model: nn.Module, dtype: torch.dtype) -> None:
    """Give a model's weights another dtype; not its buffers: positions need full precision."""
    for one in model.parameters():
        one.data = one.data.to(dtype)


@contextmanager
def with_weights(student: Student, weights: dict[str, Tensor]) -> Iterator[None]:
    """Inside, the student has other weights than it has learned."""
    learned = copied(student.weights())
    student.load_weights(weights)
    try:
        yield
    finally:
        student.load_weights(learned)


class GatedStudent:
    """The gated adapter on a frozen base model."""

    def __init__(self, spec: TrainSpec, base: Loaded, end_ids: Tensor) -> None:
        self._spec = spec
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
        """Keep what the base model says of them."""
        self._prefixes.keep(samples, run_dir)

    def close(self) -> None:
        """Keep it no longer."""
        self._prefixes.close()

    def calibrate(self, held_out: Sequence[Sample]) -> None:
        """Let confidences say how often they are right on rows that were not trained on."""
        head, known = self.base_model.get_output_embeddings(), self._masks.temperatures

        def costs(placed: Sequence[tuple[int, Sample]]) -> list[Costs]:
            batch = self.batch([one for _, one in placed], HELD_OUT_STEP, placed[0][0])[1]
            return [costs_of(head, *self.distill.judged(batch))]

        rows, placed = self._spec.micro_sequences, list(enumerate(held_out))
        parts = (placed[at : at + rows] for at in range(0, len(placed), rows))
        found = [one for part in parts for one in in_halves(costs, part)]
        self._masks.temperatures = fitted_temperatures(found, known)

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


def load_student(
    spec: TrainSpec, paths: Paths, device: torch.device, dtype: torch.dtype
) -> Student:
    """The base model of a spec with what is to be trained on it.

    Raises:
        KnownError: if model or adapter are missing, damaged or do not fit each other.
    """
    if spec.start_from not in ("none", OWN_HEADS):
        check_fits(read_adapter_info(Path(spec.start_from)), Path(spec.model), paths)
    # All weights need full precision to take small updates; autocast computes in bfloat16.
    held = torch.float32 if spec.changes_base else dtype
    if spec.shard:
        device = torch.device("cpu")  # where it is whole, until it is divided
    model, tokenizer = load_base(Path(spec.model), device, held)
    base = Loaded(model, tokenizer, None, device, held)
    ends = torch.tensor(end_ids(model, tokenizer), device=device)
    match spec.kind:
        case "full":
            return FullStudent(spec, base, ends)
        case "gated":
            return GatedStudent(spec, base, ends)
        case "heads":
            weights_hash = cached_weights_hash(Path(spec.model), paths.cache)
            if spec.joint:
                from core.train.joint import JointStudent

                return JointStudent(spec, base, weights_hash, dtype)
            from core.train.head_student import HeadsStudent

            return HeadsStudent(spec, base, weights_hash)


def end_ids(model: Any, tokenizer: Any) -> list[int]:
    """Tokens that end an answer; the template's own end of turn first."""
    told = model.generation_config.eos_token_id
    several = told if isinstance(told, list) else [told]
    found: Iterable[Any] = [tokenizer.eos_token_id, *several]
    return list(dict.fromkeys(int(one) for one in found if one is not None))


def describe(
    spec: TrainSpec, paths: Paths, tokenizer: Any, training: dict[str, Any]
) -> AdapterInfo:
    """The JSON of a finished adapter, but for what its kind adds."""
    base = Path(spec.model)
    entry = inspect_folder(base.name, base, "folder")
    return AdapterInfo(
        kind=spec.kind,
        k_max=spec.k_max,
        base_model=base.name,
        base_hash=cached_weights_hash(base, paths.cache),
        base_licence=entry.licence if entry else "unknown",
        template_fingerprint=text_fingerprint(tokenizer.chat_template or ""),
        method=_method(spec),
        training=training,
    )


def _method(spec: TrainSpec) -> str:
    if spec.teacher == "mixed" and spec.kind == "gated":
        return (
            "self-distillation, hard teacher on the student's own block; every other row that the "
            "base model wrote is its own teacher"
        )
    teacher = "soft" if spec.teacher == "soft" else "hard"
    return f"self-distillation, {teacher} teacher on the student's own block"
