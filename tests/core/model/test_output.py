"""Near ties of half precision are decided in float32."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from core.model.loading import load_base
from core.model.mask_token import add_mask_token
from core.model.output import CANDIDATES, sharpen, some_rows
from tests.core.toy import save_toy


def sharp(dtype: torch.dtype, bias: bool = False) -> nn.Linear:
    torch.manual_seed(0)
    head = nn.Linear(16, 40, bias=bias).to(dtype).requires_grad_(False)
    sharpen(head)
    return head


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bias", [False, True])
def test_the_likeliest_tokens_are_exact_and_the_others_as_they_were(dtype, bias) -> None:
    head, rows = sharp(dtype, bias), torch.randn(2, 3, 16).to(dtype)
    usual = nn.functional.linear(rows, head.weight, head.bias)
    with torch.no_grad():
        found = head(rows)
    exact = nn.functional.linear(
        rows.double(), head.weight.double(), None if head.bias is None else head.bias.double()
    )
    assert found.dtype == torch.float32
    ids = usual.topk(CANDIDATES).indices
    torch.testing.assert_close(found.gather(-1, ids), exact.gather(-1, ids).float())
    is_other = torch.ones_like(usual, dtype=torch.bool).scatter(-1, ids, value=False)
    assert torch.equal(found[is_other], usual[is_other].float())


def test_of_two_tokens_that_round_to_one_logit_the_likelier_wins() -> None:
    head = sharp(torch.bfloat16)
    head.weight.zero_()
    head.weight[3, 0], head.weight[7, :2] = 16.0, torch.tensor([16.0, 0.03])
    row = torch.ones(1, 16, dtype=torch.bfloat16)
    assert nn.functional.linear(row, head.weight).argmax() == 3
    with torch.inference_mode():
        assert head(row).argmax() == 7


def test_learning_and_float32_are_left_alone() -> None:
    head = sharp(torch.bfloat16)
    assert head(torch.randn(2, 16).bfloat16().requires_grad_()).dtype == torch.bfloat16
    head, row = sharp(torch.float32), torch.randn(2, 16)
    with torch.no_grad():
        assert torch.equal(head(row), nn.functional.linear(row, head.weight))


def test_a_vocabulary_of_fewer_tokens_than_candidates() -> None:
    head = nn.Linear(4, CANDIDATES - 1, dtype=torch.bfloat16).requires_grad_(False)
    sharpen(head)
    row = torch.randn(1, 4).bfloat16()
    with torch.no_grad():
        exact = nn.functional.linear(row.float(), head.weight.float(), head.bias.float())
        torch.testing.assert_close(head(row), exact)


def test_autocast_does_not_round_them_again() -> None:
    head, row = sharp(torch.float32), torch.randn(2, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rounded = nn.functional.linear(row, head.weight)
        found = head(row)
    ids = rounded.topk(CANDIDATES).indices
    exact = nn.functional.linear(row, head.weight)
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(found.gather(-1, ids), exact.gather(-1, ids))


def test_some_rows_are_those_of_the_matrix() -> None:
    head, row = nn.Linear(4, 9), torch.randn(2, 4)
    rows = some_rows(head, torch.tensor([5, 2]))
    torch.testing.assert_close(rows(row), head(row)[:, [5, 2]])
    assert not any(one.requires_grad for one in rows.parameters())


def test_a_loaded_model_is_sharp_and_stays_so_when_its_vocabulary_grows(tmp_path) -> None:
    model, tokenizer = load_base(save_toy(tmp_path), torch.device("cpu"), torch.bfloat16)
    ids = torch.tensor([[1, 2, 3]])
    with torch.inference_mode():
        assert model(input_ids=ids).logits.dtype == torch.float32
    add_mask_token(model, tokenizer)
    with torch.inference_mode():
        for one in (model, copy.deepcopy(model)):
            assert one(input_ids=ids).logits.dtype == torch.float32
