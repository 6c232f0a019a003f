"""Confidences that say how often they are right: a temperature, fitted on held-out rows.

A training makes an adapter surer than it should be of what it has not seen. Dividing the logits of
mask rows by one number changes none of their tokens, only how sure they are (temperature scaling,
arXiv 1706.04599); the number is the one that makes held-out tokens of all slots likeliest.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

ROWS_AT_ONCE = 32
"""Rows whose logits are held at a time: at each temperature they are needed once more, and with
128 the evaluations, not the steps, were what a training took most memory for."""
GRID = tuple(1 + 0.03 * step for step in range(21))
"""From 1, for mask rows are never made surer than their logits say, to 1.6."""
FEWEST = 700
"""With fewer held-out places the temperature stays as it is."""


@torch.no_grad()
def costs_of(head: nn.Module, hidden: Tensor, labels: Tensor) -> Tensor:
    """Minus the log-likelihood of the right tokens at each temperature, [S, G].

    Args:
        head: Turns hidden rows into logits.
        hidden: The student's hidden rows [S, H].
        labels: The tokens they should say [S].
    """
    found = [torch.zeros(0, len(GRID))]
    pieces = (torch.split(one, ROWS_AT_ONCE) for one in (hidden, labels))
    for rows, wanted in zip(*pieces, strict=True):
        logits = head(rows).float()
        right = logits.gather(-1, wanted[:, None])[:, 0]
        costs = [(logits / one).logsumexp(-1) - right / one for one in GRID]
        found.append(torch.stack(costs, 1).cpu())
    return torch.cat(found)


def fitted_temperature(found: Iterable[Tensor]) -> float | None:
    """The temperature at which held-out places cost least [S, G]; None for too few places."""
    costs = torch.cat([torch.zeros(0, len(GRID)), *found])
    return GRID[int(costs.sum(0).argmin())] if len(costs) >= FEWEST else None
