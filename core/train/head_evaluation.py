"""How good heads are on held-out rows: agreement by head, tokens per pass along the rows."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from core.events import EvalDone
from core.train.data import Sample
from core.train.head_student import HeadsStudent
from core.train.memory import in_halves
from core.train.spec import TrainSpec

THRESHOLD = 0.3
"""Below it a draft is rather refused than kept; what is drafted is verified all the same."""


def evaluate_heads(
    step: int, student: HeadsStudent, samples: Sequence[Sample], spec: TrainSpec
) -> EvalDone:
    """One held-out evaluation after `step` steps.

    Tokens per pass are counted along the rows, without decoding: from where a pass ends the
    heads draft until one is not sure enough, and the drafts up to the first one that is not the
    model's own token are kept.
    """
    began = time.monotonic()
    heads = spec.heads
    agreed, seen = torch.zeros(heads), torch.zeros(heads)
    tokens = passes = 0

    def judged(batch: Sequence[Sample]) -> list[tuple[Tensor, Tensor]]:
        return _judged(student, batch, heads)

    for at in range(0, len(samples), spec.micro_sequences):
        for agrees, sure in in_halves(judged, samples[at : at + spec.micro_sequences]):
            for head in range(heads):
                own = agrees[: max(0, len(agrees) - head), head]
                agreed[head] += own.sum()
                seen[head] += len(own)
            kept = (agrees & sure).long().cumprod(-1).sum(-1)
            tokens += len(agrees) + 1
            passes += passes_along(kept.tolist())
    rates = (agreed / seen.clamp(min=1)).tolist()
    by_slot = tuple(round(rate, 4) for rate in rates)
    return EvalDone(step, by_slot, tokens / max(1, passes), THRESHOLD, time.monotonic() - began)


def _judged(
    student: HeadsStudent, batch: Sequence[Sample], heads: int
) -> list[tuple[Tensor, Tensor]]:
    """For each row, behind each token of its answer: whether each head is right, and sure [T, N].

    T is the answer without its first token, which no head drafts; what would lie behind the
    row's end is neither.
    """
    device = student.loaded_base.device
    token_ids, about = student.batch(batch, 0, 0)
    about = about.to(device)
    token_ids = token_ids.to(device)
    hidden, best = student.main_head(token_ids, about)
    picks, confidences = student.distill.drafts(token_ids, hidden)
    right = (picks == best[..., None]) & about.drafted()[..., None]
    found = []
    for row, sample in enumerate(batch):
        places = len(sample.token_ids) - 2 - sample.first
        # Head n (from 0) drafts behind position t what lies n + 1 places on.
        starts = torch.arange(max(0, places))[:, None] + sample.first + 1 + torch.arange(heads)
        inside = starts + 1 < len(sample.token_ids)
        at = starts.clamp(max=right.shape[1] - 1)
        own = torch.arange(heads).expand_as(at)
        agrees = right[row].cpu()[at, own] & inside
        found.append((agrees, confidences[row].cpu()[at, own] >= THRESHOLD))
    return found


def passes_along(kept: Sequence[int]) -> int:
    """Passes that an answer takes: the first gives one token, each other one more than it keeps.

    Args:
        kept: How many drafts are kept behind each token but the last.
    """
    passes, at = 1, 0
    while at < len(kept):
        at += kept[at] + 1
        passes += 1
    return passes
