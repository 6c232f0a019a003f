"""What is being trained: one class for each kind of adapter, built from a spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from core.model.adapter_info import (
    AdapterInfo,
    check_fits,
    read_adapter_info,
)
from core.model.fingerprint import cached_weights_hash, text_fingerprint
from core.model.loading import Loaded, load_base
from core.model.store import inspect_folder
from core.paths import Paths
from core.train.data import Sample
from core.train.full_student import FullStudent
from core.train.gated_student import GatedStudent
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


@contextmanager
def with_weights(student: Student, weights: dict[str, Tensor]) -> Iterator[None]:
    """Inside, the student has other weights than it has learned."""
    learned = copied(student.weights())
    student.load_weights(weights)
    try:
        yield
    finally:
        student.load_weights(learned)


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
