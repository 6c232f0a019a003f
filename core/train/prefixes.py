"""The frozen base model's reading of rows, to which their mask rows are added in each visit.

With the gated adapter nothing that is trained changes it. On the CPU it is a fifth of a step, so
there it is kept on the disk and read again in later epochs; a GPU computes it quicker than it
could fetch it.

Shapes: B rows, L real positions, G groups of keys, D their size, W all keys and values of a token.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import KnownError
from core.paths import free_disk_bytes
from core.train.batch import padded, padded_ids
from core.train.data import Sample
from core.train.forecast import is_kept
from core.train.layout import Layout
from core.train.losses import best_tokens
from core.train.reader import KeysValues, Reader
from core.train.seen_store import Seen, SeenStore

MOST_LEAVES = 0.1
"""A row is the model's own if it goes on otherwise in no larger share of its places."""


@dataclass(frozen=True)
class MaskBatch:
    """What a batch of token ids [B, L] comes with.

    Attributes:
        layout: Of its mask rows.
        layers: Keys and values [B, G, L, D] of each layer of the base model.
        best: [B, L] the base model's token behind each position of an answer.
        labels: [B, M] what each mask row should say by the row itself, -1 for unknown.
        asks: [B] rows for which the teacher is asked instead.
    """

    layout: Layout
    layers: tuple[KeysValues, ...]
    best: Tensor
    labels: Tensor
    asks: Tensor

    def to(self, device: torch.device) -> MaskBatch:
        """The same batch on another device."""
        layers = tuple((keys.to(device), values.to(device)) for keys, values in self.layers)
        rest = (one.to(device) for one in (self.best, self.labels, self.asks))
        return MaskBatch(self.layout.to(device), layers, *rest)

    def of(self, rows: Tensor) -> MaskBatch:
        """Some rows of it, [B]."""
        layers = tuple((keys[rows], values[rows]) for keys, values in self.layers)
        rest = (one[rows] for one in (self.best, self.labels, self.asks))
        return MaskBatch(self.layout.of(rows), layers, *rest)


def labels_along(samples: Sequence[Sample], best: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
    """The base model's greedy continuation of each anchor, as far as its row holds it.

    A row that the model wrote itself holds it to its end; where a row goes on otherwise than the
    model would, what follows is unknown.

    Args:
        samples: The rows.
        best: [B, L] the model's token behind each position of an answer.
        layout: Of their mask rows.

    Returns:
        [B, M] tokens, -1 for unknown; [B] whether a row is nearly all the model's own way.
    """
    token_ids = padded_ids(samples, best.shape[1] + 1).to(best.device)
    lengths = torch.tensor([len(one.token_ids) for one in samples], device=best.device)
    firsts = torch.tensor([one.first for one in samples], device=best.device)
    place = torch.arange(best.shape[1], device=best.device)
    inside = (place >= firsts[:, None]) & (place < lengths[:, None] - 1)
    leaves = (inside & (token_ids[:, 1:] != best)).long()
    before = leaves.cumsum(1) - leaves  # how often the row has left the model's way by then
    at = layout.anchor + 1 + layout.slot
    held = at.clamp(max=best.shape[1] - 1)
    follows = before.gather(1, held) == before.gather(1, layout.anchor)
    is_known = layout.valid & follows & (at < lengths[:, None] - 1)
    own = leaves.sum(1) <= MOST_LEAVES * inside.sum(1)
    return best.gather(1, held).where(is_known, -1), own


class Prefixes:
    """Reads rows through a frozen model, those it knows from the disk.

    Args:
        model: The frozen model.
    """

    def __init__(self, model: Any) -> None:
        self._reader = Reader(model)
        self._device = model.device
        self._store: SeenStore | None = None
        self._file: Path | None = None
        layers, _ = self._read_tokens(torch.zeros(1, 1, dtype=torch.long))
        self._shapes = [one.shape[1::2] for pair in layers for one in pair]

    def keep(self, samples: Sequence[Sample], folder: Path) -> None:
        """Keep what is read in a file, where that pays and there is room for `samples`."""
        # Each rank writes a file of its own.
        self._file = folder / f"prefixes-{os.environ.get('RANK', '0')}.bin"
        self.close()  # what a killed run has left may be of other weights
        width = sum(groups * size for groups, size in self._shapes)
        dtype = self._reader.head.weight.dtype
        tokens = sum(len(one.token_ids) for one in samples)
        # In time each rank sees every row, and all of them write to one disk.
        need = tokens * width * dtype.itemsize * int(os.environ.get("WORLD_SIZE", "1"))
        if self._device.type == "cpu" and is_kept(need, free_disk_bytes(folder)):
            self._store = SeenStore(self._file, width, dtype)

    def close(self) -> None:
        """Remove the file."""
        self._store = None
        if self._file is not None:
            with suppress(OSError):  # a file that stays spoils no finished run
                self._file.unlink(missing_ok=True)

    def batch(self, samples: Sequence[Sample], layout: Layout, asks: Sequence[bool]) -> MaskBatch:
        """Rows with what the model says of them, for mask rows behind them.

        Args:
            samples: The rows.
            layout: Of their mask rows.
            asks: Which rows ask the teacher; so do those that are not the model's own way.
        """
        seen = self._stored(samples)
        rows = padded([one.rows for one in seen])
        flat = torch.split(rows, [groups * size for groups, size in self._shapes], dim=-1)
        parts = [
            one.view(*one.shape[:2], *shape).transpose(1, 2)
            for one, shape in zip(flat, self._shapes, strict=True)
        ]
        layers = tuple(zip(parts[::2], parts[1::2], strict=True))
        best = padded([one.best for one in seen])
        layout = layout.to(best.device)
        labels, own = labels_along(samples, best, layout)
        asked = torch.tensor(asks, device=best.device) | ~own
        return MaskBatch(layout, layers, best, labels, asked)

    def _stored(self, samples: Sequence[Sample]) -> Sequence[Seen]:
        if self._store is None:
            return self._read(samples)
        try:
            return self._store.of(samples, self._read)
        except KnownError:  # the disk is full: checkpoints need it more
            self.close()
            return self._read(samples)

    def _read(self, samples: Sequence[Sample]) -> Sequence[Seen]:
        layers, hidden = self._read_tokens(padded_ids(samples))
        rows = torch.cat([one.transpose(1, 2).flatten(2) for pair in layers for one in pair], -1)
        found = []
        for at, sample in enumerate(samples):
            here = slice(0, len(sample.token_ids))
            best = torch.zeros(here.stop, dtype=torch.long, device=rows.device)
            answer = hidden[at, sample.first : here.stop]
            best[sample.first :] = best_tokens(self._reader.head, answer)
            found.append(Seen(rows[at, here], best))
        return found

    @torch.no_grad()
    def _read_tokens(self, token_ids: Tensor) -> tuple[Sequence[KeysValues], Tensor]:
        return self._reader.prefix(token_ids.to(self._device))
