"""Steps that tell only some tokens apart."""

from __future__ import annotations

import torch
from torch import nn

from core.train import vocabulary
from core.train.data import Sample
from core.train.losses import label_loss
from core.train.vocabulary import Vocabulary, few_tokens
from tests.core.train.test_student import student_and_rows
from tests.core.train.test_training import spec

__all__ = ["spec"]  # fixture

FEW = [1, 4, 6, 9]


def heads(bias: bool) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(8, 12, bias=bias).requires_grad_(False)


def test_the_best_is_the_best_of_these_tokens() -> None:
    for bias in (True, False):
        head = heads(bias)
        rows = torch.randn(3, 5, 8)
        others = torch.full((12,), -torch.inf)
        others[FEW] = 0.0
        assert torch.equal(Vocabulary(head, FEW).best(rows), (head(rows) + others).argmax(-1))
        assert torch.equal(Vocabulary(head).best(rows), head(rows).argmax(-1))


def test_the_loss_is_that_of_a_model_with_these_tokens_alone() -> None:
    head, rows = heads(bias=True), torch.randn(6, 8, requires_grad=True)
    wanted = torch.tensor([4, 9, 1, 1, 6, 4])
    loss = Vocabulary(head, FEW).loss(rows, wanted)
    expected = nn.functional.cross_entropy(head(rows)[:, FEW], torch.tensor([1, 3, 0, 0, 2, 1]))
    torch.testing.assert_close(loss, expected)
    gradients = [torch.autograd.grad(one, rows)[0] for one in (loss, expected)]
    torch.testing.assert_close(*gradients)
    everything = Vocabulary(head).loss(rows, wanted)
    torch.testing.assert_close(everything, label_loss(head, rows, wanted))


def test_labels_of_other_tokens_are_unknown() -> None:
    labels = torch.tensor([[4, 5, -1], [0, 9, 6]])
    assert Vocabulary(heads(bias=False), FEW).known(labels).tolist() == [[4, -1, -1], [-1, 9, 6]]
    assert torch.equal(Vocabulary(heads(bias=False)).known(labels), labels)


def test_few_tokens_are_those_of_the_rows_and_the_first_others(monkeypatch) -> None:
    monkeypatch.setattr(vocabulary, "FEW", 6)
    rows = [Sample((40, 41), 0), Sample((41, 2), 0)]
    assert few_tokens(rows, [50], 100) == [0, 1, 2, 40, 41, 50]
    assert few_tokens([Sample(tuple(range(20, 30)), 0)], [20], 100) == list(range(20, 30))
    assert few_tokens(rows, [50], 11) is None


def test_a_step_learns_from_few_tokens_and_a_judge_looks_at_all(
    spec, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(vocabulary, "FEW", 8)
    student, rows = student_and_rows(spec, tmp_path)
    kept = {token_id for row in rows for token_id in row.token_ids}
    token_ids, batch = student.batch(rows, 4, 0)
    looked: list[torch.Tensor] = []
    best = Vocabulary.best
    monkeypatch.setattr(
        Vocabulary, "best", lambda self, rows: looked.append(best(self, rows)) or looked[-1]
    )
    outcome = student.distill(token_ids, batch)
    outcome.loss.backward()
    assert 0.0 < outcome.loss.item() < torch.inf
    assert any(one.grad is not None and one.grad.abs().sum() > 0 for one in trained(student))
    learned = {int(one) for picks in looked for one in picks.flatten()}
    assert len(learned - kept) <= 8
    looked.clear()
    student.judge(rows)
    assert {int(one) for picks in looked for one in picks.flatten()} - kept - learned


def trained(student) -> list[nn.Parameter]:
    return [one for group in student.parameter_groups() for one in group["params"]]
