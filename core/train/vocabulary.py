"""Which tokens the mask rows of a step tell apart: all, or those of the training and common ones.

The logits of all 49,152 tokens of a small model are a sixth of a step on a CPU. What a mask row
should say stands in the training rows, so that in a step few other tokens need to be told from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from core.model.output import sharpen, some_rows
from core.train.data import Sample
from core.train.losses import best_tokens, label_loss

FEW = 8192
"""Tokens of a step, but for those of rows that have more."""


class Vocabulary:
    """Tokens that hidden rows are held against.

    Args:
        head: The model's output matrix; frozen.
        token_ids: Some of its tokens; None for all.
    """

    def __init__(self, head: Any, token_ids: Sequence[int] | None = None) -> None:
        self._head: nn.Module = head
        self._token_ids: Tensor | None = None
        if token_ids is not None:
            self._token_ids = torch.tensor(token_ids, device=head.weight.device)
            self._places = torch.full((len(head.weight),), -1, device=head.weight.device)
            self._places[self._token_ids] = torch.arange(len(token_ids), device=head.weight.device)
            self._head = some_rows(head, self._token_ids)
            sharpen(self._head)

    def best(self, rows: Tensor) -> Tensor:
        """[...] the likeliest of these tokens for each hidden row [..., H]."""
        picks = best_tokens(self._head, rows)
        return picks if self._token_ids is None else self._token_ids[picks]

    def known(self, labels: Tensor) -> Tensor:
        """Labels [...], -1 for those that are none of these tokens."""
        if self._token_ids is None:
            return labels
        return labels.where(self._places[labels.clamp(min=0)] >= 0, -1)

    def loss(self, rows: Tensor, wanted: Tensor) -> Tensor:
        """Mean cross-entropy of hidden rows [S, H] with some of these tokens [S]."""
        places = wanted if self._token_ids is None else self._places[wanted]
        return label_loss(self._head, rows, places)


def few_tokens(
    samples: Iterable[Sample], end_ids: Iterable[int], vocabulary: int
) -> list[int] | None:
    """The tokens of training rows and common others; None where that is most of them."""
    used = {token_id for one in samples for token_id in one.token_ids} | set(end_ids)
    few = with_common(used, FEW, vocabulary)
    return few if 2 * len(few) < vocabulary else None


def with_common(chosen: Collection[int], count: int, vocabulary: int) -> list[int]:
    """Chosen tokens with the first others of a vocabulary up to `count`, in their order.

    Tokenizers number their merges as they found them, so that the first are the common ones.
    """
    known = set(chosen)
    others = (one for one in range(vocabulary) if one not in known)
    return sorted([*chosen, *islice(others, max(0, count - len(chosen)))])
