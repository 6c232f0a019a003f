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

GRID = tuple(1 + 0.05 * step for step in range(21))
"""From 1, for a slot is never made surer than it was, to 2."""
FEWEST = 100
"""A slot with fewer held-out places keeps the temperature it has."""

Costs = tuple[Tensor, Tensor]
"""Of some places: their slots' numbers [S], and what each temperature costs there [S, G]."""


@torch.no_grad()
def costs_of(head: nn.Module, hidden: Tensor, labels: Tensor, numbers: Tensor) -> Costs:
    """Minus the log-likelihood of the right tokens at each temperature.

    Args:
        head: Turns hidden rows into logits.
        hidden: The student's hidden rows [S, H].
        labels: The tokens they should say [S].
        numbers: Of their slots [S], 0 for slot 2.
    """
    found = [torch.zeros(0, len(GRID))]
    pieces = (torch.split(one, PIECE_ROWS) for one in (hidden, labels))
    for rows, wanted in zip(*pieces, strict=True):
        logits = head(rows).float()
        right = logits.gather(-1, wanted[:, None])[:, 0]
        costs = [(logits / one).logsumexp(-1) - right / one for one in GRID]
        found.append(torch.stack(costs, 1).cpu())
    return numbers.cpu(), torch.cat(found)


def fitted_temperatures(found: Iterable[Costs], known: Tensor) -> Tensor:
    """The temperature of each slot from 2 on, [k_max - 1].

    Args:
        found: What held-out places cost.
        known: The temperatures there are.
    """
    costs, seen = torch.zeros(len(known), len(GRID)), torch.zeros(len(known))
    for numbers, one in found:
        costs.index_add_(0, numbers, one)
        seen.index_add_(0, numbers, torch.ones(len(numbers)))
    best = torch.tensor(GRID)[costs.argmin(1)]
    return torch.where(seen >= FEWEST, best, known.cpu()).to(known.device)
