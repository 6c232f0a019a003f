"""Attention of mask rows on the CPU with a quicker gradient.

Torch's own is made for rows by the thousand: for 98 mask rows behind 160 real ones its gradient
takes 8 ms a layer on two cores, plain products of matrices 1.5 ms; half a training step went there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface

_NAME = "stride_grouped"
MOST_PAIRS = 1 << 17
"""Rows times what they look at; the weights of more are too much to keep for the gradient."""

_SPECIAL = ("softcap", "position_bias", "s_aux")
"""What some models add to plain attention."""


@contextmanager
def quick_gradient(model: Any, rows: Tensor) -> Iterator[None]:
    """Inside, a model on the CPU reads its rows by `grouped_attention` where a gradient is wanted.

    Args:
        model: A model of transformers whose attention is torch's own.
        rows: What it will read.
    """
    if not rows.requires_grad or rows.device.type != "cpu":
        yield
        return
    before = model.config._attn_implementation  # noqa: SLF001  (it has no public name)
    model.config._attn_implementation = _NAME  # noqa: SLF001
    try:
        yield
    finally:
        model.config._attn_implementation = before  # noqa: SLF001


def grouped_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    scaling: float | None = None,
    **how: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it, all heads of a group in one product.

    Args:
        module: The layer.
        query: [B, heads, M, D]
        key: [B, groups, L, D]
        value: [B, groups, L, D]
        attention_mask: [B, 1, M, L], true where a row may look.
        scaling: Of the scores; by default D ** -0.5.
        how: What else the layer says.

    Returns:
        [B, M, heads, D]
    """
    is_special = any(how.get(name) is not None for name in _SPECIAL)
    if is_special or query.shape[-2] * key.shape[-2] > MOST_PAIRS:
        torchs_own = AttentionInterface()["sdpa"]  # type: ignore[no-untyped-call]
        found: tuple[Tensor, None] = torchs_own(
            module, query, key, value, attention_mask, scaling=scaling, **how
        )
        return found
    batch, _, rows, size = query.shape
    groups, length = key.shape[1:3]
    asked = (query * (scaling or size**-0.5)).reshape(batch, groups, -1, size)
    scores = (asked @ key.transpose(-1, -2)).view(batch, -1, rows, length)
    closed = query.new_zeros(()).masked_fill(~attention_mask, float("-inf"))
    weights = (scores + closed).softmax(-1).view(batch, groups, -1, length)
    found_rows = (weights @ value).view(*query.shape[:3], value.shape[-1])
    return found_rows.transpose(1, 2).contiguous(), None


AttentionInterface.register(_NAME, grouped_attention)
