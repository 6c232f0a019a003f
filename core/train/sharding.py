"""Full trainings of models that no single GPU holds: every rank keeps a share (FSDP2).

Divided are the decoder layers of student and teacher, one by one: a layer is whole only while it
computes. Embeddings, norms and output matrix stay whole on every rank. All ranks must do the same
passes at the same time, evaluations among them: what depends on a clock or on a file is decided
together (`any_rank`), and the same kind of GPU is taken to give the same logits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from core.errors import KnownError


def shard_layers(model: Any, device: torch.device, ranks: int) -> None:
    """Divide a model's decoder layers among the ranks and put the rest whole on a device.

    Raises:
        KnownError: if the model does not say what its layers are.
    """
    names = set(model._no_split_modules or ())  # noqa: SLF001  (it has no public name)
    layers = [one for one in model.modules() if type(one).__name__ in names]
    if not layers:
        raise KnownError(
            "This model does not say which of its layers can be divided among ranks.",
            "Train it without sharding.",
        )
    mesh = init_device_mesh(device.type, (ranks,))
    for layer in layers:
        fully_shard(layer, mesh=mesh, reshard_after_forward=True)
    model.to(device)
    # The first pass makes the layers' buffers; made in inference mode they could not be trained.
    model.base_model(input_ids=torch.zeros(1, 1, dtype=torch.long, device=device))


def any_rank(accelerator: Accelerator, mine: bool) -> bool:
    """Whether something holds on any rank; all must ask at the same time."""
    if accelerator.num_processes == 1:
        return mine
    votes = torch.tensor(float(mine), device=accelerator.device)
    return float(accelerator.reduce(votes, "sum")) > 0


def of_first_rank(accelerator: Accelerator, mine: int) -> int:
    """The first rank's number; all must ask at the same time."""
    if accelerator.num_processes == 1:
        return mine
    own = float(mine) if accelerator.is_main_process else 0.0
    return int(accelerator.reduce(torch.tensor(own, device=accelerator.device), "sum"))


def whole(weight: Tensor) -> Tensor:
    """A weight with the shares of all ranks; all must ask at the same time."""
    return weight.full_tensor() if isinstance(weight, DTensor) else weight


def fill(weight: Tensor, values: Tensor) -> None:
    """Give a weight other values, which every rank has whole."""
    if isinstance(weight, DTensor):
        values = distribute_tensor(
            values.to(weight.device), weight.device_mesh, weight.placements, src_data_rank=None
        )
    weight.copy_(values)


def parted(weights: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Divided weights and whole ones: an optimizer cannot mix them."""
    groups: dict[bool, list[nn.Parameter]] = {}
    for one in weights:
        groups.setdefault(isinstance(one, DTensor), []).append(one)
    return list(groups.values())


def average_whole(weights: Iterable[nn.Parameter], accelerator: Accelerator) -> None:
    """Average the gradients of whole weights over the ranks; those of divided ones are already."""
    for one in weights:
        if one.grad is not None and not isinstance(one, DTensor):
            one.grad = accelerator.reduce(one.grad, "mean")


def clip_gradients(weights: Sequence[nn.Parameter], most: float) -> None:
    """Scale all gradients down to a common norm of at most `most`."""
    norms = [
        float(whole(get_total_norm([one.grad for one in group if one.grad is not None])))
        for group in parted(weights)
    ]
    scale = min(1.0, most / (math.hypot(*norms) + 1e-6))
    for one in weights:
        if one.grad is not None:
            one.grad.mul_(scale)


def optimizer_state(model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer's state with the shares of all ranks; all must ask at the same time."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return cast("dict[str, Any]", get_optimizer_state_dict(model, optimizer, options=options))


def load_optimizer_state(model: nn.Module, optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Take up a state that every rank has whole."""
    options = StateDictOptions(full_state_dict=True)
    set_optimizer_state_dict(model, optimizer, state, options=options)
