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


@dataclass(frozen=True)
class MaskBatch:
    """What a batch of token ids [B, L] comes with.

    Attributes:
        layout: Of its mask rows.
        layers: Keys and values [B, G, L, D] of each layer of the base model.
        best: [B, L] the base model's token behind each position of an answer.
    """

    layout: Layout
    layers: tuple[KeysValues, ...]
    best: Tensor

    def to(self, device: torch.device) -> MaskBatch:
        """The same batch on another device."""
        layers = tuple((keys.to(device), values.to(device)) for keys, values in self.layers)
        return MaskBatch(self.layout.to(device), layers, self.best.to(device))


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

    def batch(self, samples: Sequence[Sample], layout: Layout) -> MaskBatch:
        """Rows with what the model says of them, for mask rows behind them."""
        seen = self._stored(samples)
        rows = padded([one.rows for one in seen])
        flat = torch.split(rows, [groups * size for groups, size in self._shapes], dim=-1)
        parts = [
            one.view(*one.shape[:2], *shape).transpose(1, 2)
            for one, shape in zip(flat, self._shapes, strict=True)
        ]
        layers = tuple(zip(parts[::2], parts[1::2], strict=True))
        return MaskBatch(layout, layers, padded([one.best for one in seen]))

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
