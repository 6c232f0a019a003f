"""Where mask rows stand: several regions share one prefix and do not see one another.

Region r of a row starts at an anchor, a real position whose next token is slot 1. Its mask
rows hold positions anchor + 1, anchor + 2, ... and see the real tokens up to the anchor and
the earlier masks of their own region: what they would see alone, one prefix to a row
(2602.06019, "Implementation", figure on token masking; here the prefix is computed once and
its cache entries are shared, so nothing needs replaying).

Shapes: B rows, L real positions, M mask rows a row, R regions a row.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Region:
    """One anchor of a row and the slots predicted from it (k - 1 of them by mask rows)."""

    anchor: int
    k: int


@dataclass(frozen=True)
class Layout:
    """Tensors of one batch; padding rows are not valid and see only themselves.

    Attributes:
        anchor: [B, M] real position each mask row's region starts at.
        slot: [B, M] 0 for the mask row of slot 2, 1 for slot 3, ...
        position: [B, M] rotary position of each mask row.
        valid: [B, M] whether the row is no padding.
        allow: [B, 1, M, L + M] what each mask row may see.
    """

    anchor: Tensor
    slot: Tensor
    position: Tensor
    valid: Tensor
    allow: Tensor

    def of(self, rows: Tensor) -> Layout:
        """Some rows of it, [B]."""
        return Layout(
            self.anchor[rows],
            self.slot[rows],
            self.position[rows],
            self.valid[rows],
            self.allow[rows],
        )

    def to(self, device: torch.device) -> Layout:
        """The same layout on another device."""
        return Layout(
            self.anchor.to(device),
            self.slot.to(device),
            self.position.to(device),
            self.valid.to(device),
            self.allow.to(device),
        )


def draw_k(seed: int, step: int, row: int, k_min: int, k_max: int) -> int:
    """Slots of a row, uniform in k_min..k_max, from a stream of its own."""
    return random.Random(f"k {seed} {step} {row}").randint(k_min, k_max)


def draw_regions(
    first: int, length: int, k: int, mask_rows: int, rng: random.Random
) -> list[Region]:
    """Evenly spaced anchors of one row, shifted by a drawn offset.

    Args:
        first: First position that may be an anchor.
        length: Real tokens of the row; the last anchor leaves a token to predict.
        k: Slots of every region.
        mask_rows: Budget; at most mask_rows // (k - 1) regions fit.
        rng: The offset's own stream, independent of k's.
    """
    places = length - 1 - first
    if places <= 0:
        return []
    count = min(max(1, mask_rows // (k - 1)), places)
    stride = places / count
    shift = rng.random() * stride
    return [Region(first + int(shift + n * stride), k) for n in range(count)]


def offset_stream(seed: int, step: int, row: int) -> random.Random:
    """The random stream of a row's offset, independent of the one that draws k."""
    return random.Random(f"offset {seed} {step} {row}")


def build_layout(rows: Sequence[Sequence[Region]], length: int) -> Layout:
    """Tensors for regions of each row over `length` real positions."""
    width = max(sum(region.k - 1 for region in regions) for regions in rows)
    shape = (len(rows), width)
    anchor = torch.zeros(shape, dtype=torch.long)
    slot = torch.zeros(shape, dtype=torch.long)
    number = torch.full(shape, -1, dtype=torch.long)
    for b, regions in enumerate(rows):
        at = 0
        for n, region in enumerate(regions):
            rows_here = slice(at, at + region.k - 1)
            anchor[b, rows_here] = region.anchor
            slot[b, rows_here] = torch.arange(region.k - 1)
            number[b, rows_here] = n
            at += region.k - 1
    valid = number >= 0
    position = anchor + 1 + slot
    same = number[:, :, None] == number[:, None, :]
    earlier = slot[:, None, :] <= slot[:, :, None]
    itself = torch.eye(width, dtype=torch.bool)
    among = (same & earlier & valid[:, :, None]) | itself
    prefix = torch.arange(length)[None, None, :] <= anchor[:, :, None]
    allow = torch.cat([prefix, among], dim=-1)[:, None]
    return Layout(anchor, slot, position, valid, allow)
