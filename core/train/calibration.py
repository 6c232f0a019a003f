"""Confidences that say how often they are right: a temperature a slot, fitted on held-out rows.

A training makes an adapter surer than it should be of what it has not seen. Dividing a slot's
logits by one number changes none of its tokens, only how sure they are (temperature scaling,
arXiv 1706.04599); the number is the one that makes held-out tokens likeliest.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.train.losses import PIECE_ROWS

Judged = tuple[Tensor, Tensor, Tensor]
GRID = tuple(1 + 0.05 * step for step in range(21))
"""From 1, for a slot is never made surer than it was, to 2."""
FEWEST = 100
"""A slot with fewer held-out places keeps the temperature 1."""


@torch.no_grad()
def fitted_temperatures(judged: Iterable[Judged], head: nn.Module, slots: int) -> Tensor:
    """The temperature of each slot from 2 on, [slots].

    Args:
        judged: Held-out batches as the trained student sees them: hidden rows [S, H], the tokens
            they should say [S], the numbers of their slots [S], 0 for slot 2.
        head: Turns hidden rows into logits.
        slots: How many there are.
    """
    costs, seen = torch.zeros(slots, len(GRID)), torch.zeros(slots)
    for hidden, labels, numbers in judged:
        here = numbers.cpu()
        costs.index_add_(0, here, _costs(head, hidden, labels).cpu())
        seen.index_add_(0, here, torch.ones(len(here)))
    best = torch.tensor(GRID)[costs.argmin(1)]
    return torch.where(seen >= FEWEST, best, 1.0)


def _costs(head: nn.Module, hidden: Tensor, labels: Tensor) -> Tensor:
    """[S, temperatures] minus the log-likelihood of each label at each temperature."""
    found = [hidden.new_zeros(0, len(GRID), dtype=torch.float32)]
    pieces = (torch.split(one, PIECE_ROWS) for one in (hidden, labels))
    for rows, wanted in zip(*pieces, strict=True):
        logits = head(rows).float()
        scaled = [
            nn.functional.cross_entropy(logits / one, wanted, reduction="none") for one in GRID
        ]
        found.append(torch.stack(scaled, 1))
    return torch.cat(found)
