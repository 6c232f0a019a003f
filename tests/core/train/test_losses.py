"""The loss in pieces is torch's own loss of all logits at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.train import losses
from core.train.losses import Teacher, best_tokens, slot_loss


@pytest.fixture(autouse=True)
def few_rows_a_piece(monkeypatch) -> None:
    monkeypatch.setattr(losses, "PIECE_ROWS", 3)


def drawn_rows(count: int) -> torch.Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(count))


def whole_loss(head: nn.Linear, rows, teacher_head, teacher_rows, kind: Teacher) -> torch.Tensor:
    student, teacher = head(rows), teacher_head(teacher_rows).detach()
    if kind == "hard":
        return nn.functional.cross_entropy(student, teacher.argmax(-1))
    return nn.functional.kl_div(
        student.log_softmax(-1), teacher.log_softmax(-1), log_target=True, reduction="batchmean"
    )


@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_loss_and_gradients_are_those_of_all_logits_at_once(kind, bias, scale) -> None:
    torch.manual_seed(0)
    head, teacher_head = nn.Linear(6, 11, bias=bias), nn.Linear(6, 11)
    rows, teacher_rows = drawn_rows(10).requires_grad_(), drawn_rows(11)[:10]

    loss, wanted = slot_loss(head, rows, teacher_head, teacher_rows, kind)
    found = torch.autograd.grad(loss * scale, (rows, *head.parameters()))
    expected = whole_loss(head, rows, teacher_head, teacher_rows, kind)
    gradients = torch.autograd.grad(expected * scale, (rows, *head.parameters()))

    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(found, gradients)
    assert torch.equal(wanted, teacher_head(teacher_rows).argmax(-1))


def test_a_frozen_head_gets_no_gradient() -> None:
    head = nn.Linear(6, 11).requires_grad_(False)
    rows = drawn_rows(4).requires_grad_()
    loss, _ = slot_loss(head, rows, head, drawn_rows(5)[:4], "hard")
    loss.backward()
    assert rows.grad is not None
    assert rows.grad.abs().sum() > 0
    assert head.weight.grad is None


def test_a_batch_without_a_slot_that_counts_has_no_loss_and_no_gradient() -> None:
    head = nn.Linear(6, 11)
    rows = torch.zeros(0, 6, requires_grad=True)
    loss, wanted = slot_loss(head, rows, head, torch.zeros(0, 6), "hard")
    loss.backward()
    assert loss.item() == 0.0
    assert wanted.shape == (0,)
    assert head.weight.grad is not None
    assert not head.weight.grad.any()


def test_best_tokens_keep_the_shape_of_their_rows() -> None:
    head = nn.Linear(6, 11)
    rows = drawn_rows(10).view(2, 5, 6)
    assert torch.equal(best_tokens(head, rows), head(rows).argmax(-1))
