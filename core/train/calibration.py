"""Confidences that say how often they are right: a temperature, fitted on held-out rows.

A training makes an adapter surer than it should be of what it has not seen. Dividing the logits of
its slots by one number changes none of their tokens, only how sure they are (temperature scaling,
arXiv 1706.04599); the number is the one that makes held-out tokens likeliest.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.train.losses import PIECE_ROWS

GRID = tuple(1 + 0.02 * step for step in range(51))
"""From 1, for no slot is made surer than it was, to 2."""
SURE = 0.5
"""A place counts if its likeliest token is more likely: at others nothing is ever accepted."""
FEWEST = 100
"""With fewer such places the temperature stays."""

Costs = tuple[int, Tensor]
"""How many places count, and what each temperature costs there in all [G]."""


@torch.no_grad()
def costs_of(head: nn.Module, rows: Tensor, labels: Tensor) -> Costs:
    """Minus the log-likelihood of the right tokens at each temperature.

    Args:
        head: Turns hidden rows into logits.
        rows: The student's hidden rows [S, H].
        labels: The tokens they should say [S].
    """
    count, costs = 0, torch.zeros(len(GRID))
    pieces = (torch.split(one, PIECE_ROWS) for one in (rows, labels))
    for some, wanted in zip(*pieces, strict=True):
        logits = head(some).float()
        sure = logits.softmax(-1).amax(-1) > SURE
        logits, labelled = logits[sure], wanted[sure]
        right = logits.gather(-1, labelled[:, None])[:, 0]
        found = [((logits / one).logsumexp(-1) - right / one).sum() for one in GRID]
        count, costs = count + len(labelled), costs + torch.stack(found).cpu()
    return count, costs


def fitted_temperature(found: Sequence[Costs]) -> float | None:
    """The temperature of all slots by what held-out places cost; None where too few count."""
    if sum(count for count, _ in found) < FEWEST:
        return None
    return GRID[int(torch.stack([costs for _, costs in found]).sum(0).argmin())]
