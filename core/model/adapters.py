"""Mask rows: how a model is made to predict more than its next token.

A pass reads real rows followed by mask rows; the last real row predicts slot 1, mask row j
predicts slot j + 1 (2602.06019, section "MTP objective"). Two kinds of adapter supply them:

* gated: low-rank updates on every linear layer but the output matrix, active on mask rows
  only, plus mask vectors that enter as input embeddings (gating after 2507.11851). Real rows
  pass through the untouched base model, so slot 1 is the base model's own token.
* full: all weights were trained; the mask is a token of the vocabulary.

Shapes: T real rows, H hidden size, r rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from core.model.linear import MOST_ROWS

TEMPERATURES = "temperatures"
"""Of the slots, in an adapter's file."""


class MaskRows(Protocol):
    """What the engine and the training need of an adapter.

    Attributes:
        k_max: Slots a pass it was trained for, slot 1 included.
        slot1_is_base: Whether slot 1 is the base model's own next token by construction.
        temperatures: [k_max - 1] what the logits of each mask row are divided by, so that a
            confidence says how often it is right.
        mask_id: The mask's token id if it has one; it must never be emitted.
    """

    k_max: int
    slot1_is_base: bool
    mask_id: int | None
    temperatures: Tensor

    def inputs(self, token_ids: Tensor, masks: int) -> Tensor:
        """Embeddings [1, T + masks, H] of token ids [1, T] followed by mask rows."""

    def gate(self, masks: int) -> AbstractContextManager[None]:
        """Inside, the last `masks` rows of every forward call are mask rows."""


class Gate:
    """How many trailing rows of the running forward call are mask rows."""

    def __init__(self) -> None:
        self.rows = 0


class GatedLinear(nn.Module):
    """A frozen linear layer with a low-rank update on the gate's rows only."""

    def __init__(self, base: nn.Linear, rank: int, gate: Gate) -> None:
        super().__init__()
        self.base = base
        self._gate = gate
        device = base.weight.device
        self.down = nn.Parameter(torch.empty(rank, base.in_features, device=device))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank, device=device))
        nn.init.normal_(self.down, std=base.in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Base output [..., rows, out], updated on the last `gate.rows` rows."""
        out = cast("Tensor", self.base(x))
        count = self._gate.rows
        if count == 0:
            return out
        dtype = _update_dtype(x, count)
        down, up, rows = (one.to(dtype) for one in (self.down, self.up, x[..., -count:, :]))
        update = nn.functional.linear(nn.functional.linear(rows, down), up).to(out.dtype)
        if count == x.shape[-2]:
            return out + update
        out[..., -count:, :].add_(update)  # "+=" would also copy the slice onto itself
        return out


def _update_dtype(x: Tensor, count: int) -> torch.dtype:
    """In what a low-rank update is computed: the input's dtype, but for small ones on the CPU.

    A bfloat16 product of a few rows takes four times as long there as a float32 one (measured:
    30 against 7 microseconds, and a pass has 420 of them).
    """
    is_small = x.device.type == "cpu" and count <= MOST_ROWS
    return torch.promote_types(x.dtype, torch.float32) if is_small else x.dtype


class GatedAdapter(nn.Module):
    """The gated adapter, attached to a causal language model it does not own.

    Attributes:
        vectors: Mask vectors, [k_max - 1, H] (one a slot) or [1, H] (shared).
        layers: The gated layers by their name in the model.
    """

    slot1_is_base: bool = True
    mask_id: int | None = None

    def __init__(self, model: Any, rank: int, k_max: int, slot_vectors: bool = True) -> None:
        super().__init__()
        self.k_max = k_max
        self._gate = Gate()
        embedding = model.get_input_embeddings()
        # In a list, so that the model's own weights do not become the adapter's.
        self._embed = [embedding]
        count = k_max - 1 if slot_vectors else 1
        mean = embedding.weight.detach().float().mean(0)
        noise = torch.randn(count, mean.shape[0], device=mean.device) * 0.02
        self.vectors = nn.Parameter(mean + noise)
        self.temperatures = torch.ones(k_max - 1, device=mean.device)
        self.layers = _gate_linear_layers(model, rank, self._gate)
        # The layers sit in the model; listed here too, so that `to` and `parameters` find them.
        self.updates = nn.ParameterList(
            weight for layer in self.layers.values() for weight in (layer.down, layer.up)
        )

    def inputs(self, token_ids: Tensor, masks: int) -> Tensor:
        """Embeddings [1, T + masks, H] of token ids [1, T] followed by mask rows."""
        real = cast("Tensor", self._embed[0](token_ids))
        if masks == 0:
            return real
        rows = self.mask_vectors(torch.arange(masks, device=real.device))
        return torch.cat([real, rows.to(real.dtype)[None]], dim=1)

    def mask_vectors(self, slots: Tensor) -> Tensor:
        """Mask vectors [..., H] for slots counted from the first mask row (0 is slot 2)."""
        return self.vectors[slots if self.vectors.shape[0] > 1 else torch.zeros_like(slots)]

    @contextmanager
    def gate(self, masks: int) -> Iterator[None]:
        """Inside, the last `masks` rows of every forward call are mask rows."""
        before, self._gate.rows = self._gate.rows, masks
        try:
            yield
        finally:
            self._gate.rows = before

    def weights(self) -> dict[str, Tensor]:
        """What an adapter file holds, by names that follow the base model's layers."""
        named = {"mask_vectors": self.vectors.detach(), TEMPERATURES: self.temperatures}
        for name, layer in self.layers.items():
            named[f"{name}.down"] = layer.down.detach()
            named[f"{name}.up"] = layer.up.detach()
        return named

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Fill the adapter from a file's tensors; without temperatures they are 1.

        Raises:
            ValueError: if names or shapes do not match the model, or temperatures are below 1.
        """
        own = self.weights()
        weights = {TEMPERATURES: torch.ones_like(self.temperatures), **weights}
        if own.keys() != weights.keys():
            raise ValueError(f"tensors differ: {sorted(own.keys() ^ weights.keys())[:4]}")
        for name, tensor in own.items():
            if tensor.shape != weights[name].shape:
                raise ValueError(f"{name} has shape {tuple(weights[name].shape)}")
            tensor.copy_(weights[name])
        if not (self.temperatures >= 1).all() or not self.temperatures.isfinite().all():
            raise ValueError(f"temperatures are {self.temperatures.tolist()}")


def _gate_linear_layers(model: Any, rank: int, gate: Gate) -> dict[str, GatedLinear]:
    """Put a gated layer in the place of every linear layer but the output matrix."""
    output = model.get_output_embeddings()
    found = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and layer is not output
    ]
    gated = {}
    for name, layer in found:
        parent, _, child = name.rpartition(".")
        gated[name] = GatedLinear(layer, rank, gate)
        setattr(model.get_submodule(parent), child, gated[name])
    return gated


class FullMaskRows:
    """Mask rows of a fully trained model: the mask is a token of its vocabulary."""

    slot1_is_base: bool = False

    def __init__(self, model: Any, mask_id: int, k_max: int) -> None:
        self.k_max = k_max
        self.mask_id: int | None = mask_id
        self.temperatures = torch.ones(k_max - 1, device=model.device)
        self._embed = model.get_input_embeddings()

    def inputs(self, token_ids: Tensor, masks: int) -> Tensor:
        """Embeddings [1, T + masks, H] of token ids [1, T] followed by mask rows."""
        mask_ids = token_ids.new_full((token_ids.shape[0], masks), cast("int", self.mask_id))
        return cast("Tensor", self._embed(torch.cat([token_ids, mask_ids], dim=1)))

    def gate(self, masks: int) -> AbstractContextManager[None]:  # noqa: ARG002
        """A full model needs no gate: every row uses the same weights."""
        return nullcontext()
