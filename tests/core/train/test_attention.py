"""Grouped attention gives torch's own rows and gradients, and is left where it does not fit."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from core.train import attention
from core.train.attention import grouped_attention, quick_gradient
from tests.core.toy import toy_model


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("scaling", [None, 0.5])
def test_rows_and_gradients_are_those_of_torch(groups: int, scaling: float | None) -> None:
    query, key, value = (
        drawn(2, heads, rows, 8, seed=heads + rows)
        for heads, rows in ((6, 5), (groups, 9), (groups, 10))
    )
    value = value[:, :, :9].detach().requires_grad_()
    allow = torch.rand(2, 1, 5, 9, generator=torch.Generator().manual_seed(0)) < 0.5
    allow[..., -1] = True

    found, _ = grouped_attention(torch.nn.Module(), query, key, value, allow, scaling)
    expected = scaled_dot_product_attention(
        query, key, value, attn_mask=allow, scale=scaling, enable_gqa=True
    ).transpose(1, 2)
    torch.testing.assert_close(found, expected)
    weight = torch.randn_like(expected)
    inputs = (query, key, value)
    torch.testing.assert_close(
        torch.autograd.grad((found * weight).sum(), inputs),
        torch.autograd.grad((expected * weight).sum(), inputs),
    )


def test_attention_with_a_bias_of_positions_stays_torchs_own() -> None:
    query, key, value = (drawn(1, 2, 3, 4, seed=one) for one in range(3))
    bias = drawn(1, 2, 3, 3, seed=4)
    allow = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    found, _ = grouped_attention(torch.nn.Module(), query, key, value, allow, position_bias=bias)
    expected = scaled_dot_product_attention(query, key, value, attn_mask=bias).transpose(1, 2)
    torch.testing.assert_close(found, expected)


def test_very_many_rows_are_left_to_torch(monkeypatch) -> None:
    monkeypatch.setattr(attention, "MOST_PAIRS", 8)
    monkeypatch.setattr(torch.Tensor, "softmax", None)  # what ours would call
    query, key, value = (drawn(1, 2, 3, 4, seed=one) for one in range(3))
    allow = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    found, _ = grouped_attention(torch.nn.Module(), query, key, value, allow)
    torch.testing.assert_close(
        found, scaled_dot_product_attention(query, key, value).transpose(1, 2)
    )


@pytest.mark.parametrize("learns", [True, False])
def test_a_model_reads_so_only_where_a_gradient_is_wanted(learns: bool) -> None:
    model = toy_model()
    rows = torch.zeros(1, 2, 4, requires_grad=learns)
    with quick_gradient(model, rows):
        assert (model.config._attn_implementation == "stride_grouped") is learns
    assert model.config._attn_implementation == "sdpa"
