"""From logits to what a pass event says of each slot, in one transfer from the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CANDIDATES = 4
"""The best candidate of a slot and three others."""


@dataclass(frozen=True, slots=True)
class Slots:
    """What every slot of a pass proposes.

    Attributes:
        ids: Argmax of each slot.
        confidences: Top softmax probability of each slot, computed in float32.
        others: For each slot its next best (token id, probability).
    """

    ids: list[int]
    confidences: list[float]
    others: list[list[tuple[int, float]]]

    def part(self, start: int, stop: int | None = None) -> Slots:
        """Only some of them."""
        here = slice(start, stop)
        return Slots(self.ids[here], self.confidences[here], self.others[here])

    def replace_first(self, drawn: int) -> None:
        """Slot 1 was drawn: its argmax, the likeliest other candidate, takes the place."""
        argmax = (self.ids[0], self.confidences[0])
        others = [argmax, *(one for one in self.others[0] if one[0] != drawn)]
        self.others[0] = others[: CANDIDATES - 1]
        self.ids[0] = drawn


@torch.inference_mode()
def read_slots(logits: Tensor) -> Slots:
    """Read logits [slots, vocabulary] in float32.

    The argmax is taken on its own: among equal logits topk may order otherwise than argmax, which
    is what greedy decoding means everywhere else.
    """
    count = min(CANDIDATES, logits.shape[-1])
    top, top_ids = logits.topk(count, dim=-1)
    probabilities = (top - logits.logsumexp(dim=-1, keepdim=True)).exp()
    best = logits.argmax(dim=-1, keepdim=True)
    # float64 holds token ids and float32 probabilities exactly: one transfer for all.
    table = torch.cat([best, top_ids, probabilities.double()], dim=-1).tolist()
    slots = Slots([], [], [])
    for row in table:
        first = int(row[0])
        candidates = zip(map(int, row[1 : count + 1]), row[count + 1 :], strict=True)
        slots.ids.append(first)
        slots.confidences.append(min(1.0, row[count + 1]))
        slots.others.append([one for one in candidates if one[0] != first][: count - 1])
    return slots
