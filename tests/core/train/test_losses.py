"""The loss in pieces is torch's own loss of all logits at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.train import losses
from core.train.losses import HeadTerms, best_tokens, head_loss, label_loss, soft_loss


@pytest.fixture(autouse=True)
def few_rows_a_piece(monkeypatch) -> None:
    monkeypatch.setattr(losses, "PIECE_ROWS", 3)


def drawn_rows(count: int) -> torch.Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(count))


@pytest.mark.parametrize("kind", ["labels", "soft"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_loss_and_gradients_are_those_of_all_logits_at_once(kind, bias, scale) -> None:
    torch.manual_seed(0)
    head, teacher_head = nn.Linear(6, 11, bias=bias), nn.Linear(6, 11)
    rows, teacher_rows = drawn_rows(10).requires_grad_(), drawn_rows(11)[:10]
    teacher = teacher_head(teacher_rows).detach()
    labels = best_tokens(teacher_head, teacher_rows)
    assert torch.equal(labels, teacher.argmax(-1))

    if kind == "labels":
        loss = label_loss(head, rows, labels)
        expected = nn.functional.cross_entropy(head(rows), labels)
    else:
        loss = soft_loss(head, rows, teacher_head, teacher_rows)
        expected = nn.functional.kl_div(
            head(rows).log_softmax(-1),
            teacher.log_softmax(-1),
            log_target=True,
            reduction="batchmean",
        )
    found = torch.autograd.grad(loss * scale, (rows, *head.parameters()))
    gradients = torch.autograd.grad(expected * scale, (rows, *head.parameters()))
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(found, gradients)


def test_a_frozen_head_gets_no_gradient() -> None:
    head = nn.Linear(6, 11).requires_grad_(False)
    rows = drawn_rows(4).requires_grad_()
    label_loss(head, rows, torch.tensor([1, 2, 3, 4])).backward()
    assert rows.grad is not None
    assert rows.grad.abs().sum() > 0
    assert head.weight.grad is None


def test_a_batch_without_a_slot_that_counts_has_no_loss_and_no_gradient() -> None:
    head = nn.Linear(6, 11)
    rows = torch.zeros(0, 6, requires_grad=True)
    loss = label_loss(head, rows, torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0.0
    assert head.weight.grad is not None
    assert not head.weight.grad.any()


def test_best_tokens_keep_the_shape_of_their_rows() -> None:
    head = nn.Linear(6, 11)
    rows = drawn_rows(10).view(2, 5, 6)
    assert torch.equal(best_tokens(head, rows), head(rows).argmax(-1))


def plain_head_loss(head, rows, counts, teacher_rows, targets, terms: HeadTerms) -> torch.Tensor:
    total = torch.zeros(())
    for s, n in counts.nonzero().tolist():
        logits, main = head(rows[s, n]), head(teacher_rows[s]).detach()
        if targets[s] >= 0:
            ce = nn.functional.cross_entropy(logits[None], targets[s, None])
            total = total + terms.ce * terms.weights[n] * ce
        tops = main.topk(min(terms.top_n, len(main))).indices
        log_p, log_q = logits[tops].log_softmax(-1), main[tops].log_softmax(-1)
        kl = nn.functional.kl_div(log_p, log_q, log_target=True, reduction="sum")
        total = total + terms.kl * terms.weights[n] * kl
    return total / counts.sum()


@pytest.mark.parametrize("top_n", [1, 4, 11, 10_000])
@pytest.mark.parametrize(("ce", "kl"), [(1.0, 1.0), (0.0, 0.7), (0.5, 0.0)])
def test_the_loss_of_heads_is_that_of_a_plain_loop(top_n, ce, kl) -> None:
    head = nn.Linear(6, 11).requires_grad_(False)
    terms = HeadTerms((1.0, 0.5), ce, kl, top_n)
    rows = drawn_rows(14).view(7, 2, 6).requires_grad_()
    teacher_rows = drawn_rows(9)[:7]
    targets = torch.tensor([3, -1, 0, 10, 5, 5, -1])
    counts = torch.tensor([[1, 1], [1, 0], [0, 0], [1, 1], [0, 1], [1, 1], [1, 1]]).bool()

    loss, picks = head_loss(head, rows, counts, teacher_rows, targets, terms)
    [found] = torch.autograd.grad(loss * 2.0, rows)
    expected = plain_head_loss(head, rows, counts, teacher_rows, targets, terms)
    [gradient] = torch.autograd.grad(expected * 2.0, rows)

    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(found, gradient)
    assert torch.equal(picks, head(rows).argmax(-1))


def test_the_gradient_of_heads_is_that_of_small_changes() -> None:
    torch.manual_seed(0)
    head = nn.Linear(6, 11).requires_grad_(False).double()
    rows = torch.randn(4, 2, 6, dtype=torch.float64, requires_grad=True)
    others = torch.randn(4, 6, dtype=torch.float64)
    counts = torch.tensor([[1, 1], [1, 0], [0, 1], [1, 1]]).bool()
    targets = torch.tensor([3, -1, 0, 10])
    terms = HeadTerms((1.0, 0.5), 1.0, 0.8, 5)
    loss, _ = head_loss(head, rows, counts, others, targets, terms)
    [found] = torch.autograd.grad(loss, rows)
    step = 1e-3
    for place in ((0, 0, 1), (2, 0, 3), (3, 1, 5)):
        moved = []
        for sign in (1, -1):
            other = rows.detach().clone()
            other[place] += sign * step
            moved.append(head_loss(head, other, counts, others, targets, terms)[0])
        slope = float(moved[0] - moved[1]) / (2 * step)
        assert float(found[place]) == pytest.approx(slope, abs=2e-4)


def test_heads_without_a_row_that_counts_have_no_loss() -> None:
    head = nn.Linear(6, 11).requires_grad_(False)
    rows = torch.zeros(0, 2, 6, requires_grad=True)
    empty = torch.zeros(0, 2).bool()
    terms = HeadTerms((1.0, 1.0), 1.0, 1.0, 5)
    loss, picks = head_loss(head, rows, empty, torch.zeros(0, 6), torch.zeros(0).long(), terms)
    loss.backward()
    assert loss.item() == 0.0
    assert picks.shape == (0, 2)
