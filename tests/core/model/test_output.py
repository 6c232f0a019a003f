"""Near ties of half precision are decided in float32."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.model.output import CANDIDATES, sharpen_output


class Model:
    """A model that is nothing but its output matrix."""

    def __init__(self, head: nn.Module) -> None:
        self.head = head

    def get_output_embeddings(self) -> nn.Module:
        return self.head


def sharp(dtype: torch.dtype, bias: bool = False) -> nn.Linear:
    torch.manual_seed(0)
    head = nn.Linear(16, 40, bias=bias).to(dtype).requires_grad_(False)
    sharpen_output(Model(head))
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
    sharpen_output(Model(head))
    row = torch.randn(1, 4).bfloat16()
    with torch.no_grad():
        exact = nn.functional.linear(row.float(), head.weight.float(), head.bias.float())
        torch.testing.assert_close(head(row), exact)
