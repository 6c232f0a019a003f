"""The output matrix of a model in half precision: its likeliest tokens to the full.

A logit of 20 in bfloat16 is a multiple of an eighth: where two tokens are that near, which comes
first is a matter of rounding, and the same text read in one pass or in many gives other tokens.
So the likeliest tokens of a row are computed again from the same weights and hidden rows, in
float32: a few products of one row each, where the whole matrix in float32 would double its time.

Shapes: R rows, H hidden size, V vocabulary, C candidates.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from core.model.linear import use_rows_linear

CANDIDATES = 8
"""Tokens of a row that are computed again; that more are this near to the best is rare."""
HALVES = (torch.bfloat16, torch.float16)


def prepare_layers(model: Any) -> None:
    """What every model gets once, and again when its output matrix is a new one."""
    use_rows_linear(model)
    sharpen(model.get_output_embeddings())


def sharpen(head: nn.Module) -> None:
    """From now on an output matrix in half precision gives float32, the likeliest logits exact.

    Where a gradient is wanted they stay as they are, and so does what is no plain matrix.
    """
    if isinstance(head, nn.Linear):
        head.register_forward_hook(_sharpened)


def some_rows(head: nn.Linear, token_ids: Tensor) -> nn.Linear:
    """A frozen copy of the output matrix for some tokens alone, in their order."""
    has_bias = head.bias is not None
    rows = nn.Linear(head.in_features, len(token_ids), bias=has_bias, device="meta")
    rows.weight = nn.Parameter(head.weight.detach()[token_ids], requires_grad=False)
    if has_bias:
        rows.bias = nn.Parameter(head.bias.detach()[token_ids], requires_grad=False)
    return rows


def _sharpened(head: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> Tensor | None:
    """Logits [..., V] in float32 for hidden rows [..., H]; None leaves them as they are."""
    if torch.is_grad_enabled() or out.dtype not in HALVES:
        return None
    assert isinstance(head, nn.Linear)
    rows = inputs[0].reshape(-1, inputs[0].shape[-1]).float()  # [R, H]
    logits = out.reshape(-1, out.shape[-1])  # [R, V]
    ids = logits.topk(min(CANDIDATES, logits.shape[-1]), dim=-1).indices  # [R, C]
    with torch.autocast(out.device.type, enabled=False):  # it would round the products again
        exact = (head.weight[ids].float() @ rows[:, :, None])[..., 0]
    if head.bias is not None:
        exact += head.bias[ids]
    return logits.float().scatter_(-1, ids, exact).view(out.shape)
