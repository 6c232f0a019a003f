"""What a frozen model says of training rows, computed once: it says the same every time.

A file in the run's folder, one record a row, appended on the row's first visit and read again in
later epochs, after a resume, and by later runs of the same model, such as the next stage of a
looped extension. Plain reads and writes, which the system's own cache makes as
quick as mapped memory: of that, a full disk would kill the process instead of being an error.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from core.errors import KnownError
from core.train.data import Sample
from core.train.durable import remedy

_HEADER = struct.Struct("<16sI")
"""Which row it is, and how many tokens it has."""


@dataclass(frozen=True)
class Seen:
    """What the frozen model says of a row of L tokens.

    Attributes:
        rows: [L, W] what is kept of each token: its last hidden row, or its keys and values.
        best: [L] its next token at each position of the answer; 0 before it.
    """

    rows: Tensor
    best: Tensor


class SeenStore:
    """What a model says of rows, in a file of the run's folder.

    Args:
        path: The file; what a killed run has left half written is cut off.
        width: W.
        dtype: Of the rows.
        earlier: Files of other ranks and runs of the same model, which are only read.

    Raises:
        KnownError: if it cannot be opened.
    """

    def __init__(
        self, path: Path, width: int, dtype: torch.dtype, earlier: Iterable[Path] = ()
    ) -> None:
        self._path, self._width, self._dtype = path, width, dtype
        self._places: dict[bytes, tuple[Path, int, int]] = {}
        try:
            for one in earlier:
                with one.open("rb") as file:
                    self._find_records(one, file)
            with path.open("a+b") as own:
                own.truncate(self._find_records(path, own))
        except OSError as error:
            raise _not_stored(error) from error

    def of(
        self,
        samples: Sequence[Sample],
        read: Callable[[Sequence[Sample]], Sequence[Seen]],
    ) -> list[Seen]:
        """What is known of rows; `read` is asked about those of which nothing is.

        Raises:
            KnownError: if the disk is full.
        """
        found = {one: self.get(one) for one in samples}
        new = [one for one, seen in found.items() if seen is None]
        for sample, fresh in zip(new, read(new) if new else (), strict=True):
            self.put(sample, fresh)
            found[sample] = fresh
        return [seen for sample in samples if (seen := found[sample]) is not None]

    def get(self, sample: Sample) -> Seen | None:
        """What is known of a row; nothing any more once an earlier run was removed."""
        place = self._places.get(_key(sample))
        if place is None:
            return None
        path, at, length = place
        try:
            with path.open("rb") as file:
                file.seek(at)
                raw = torch.frombuffer(bytearray(file.read(self._size(length))), dtype=torch.uint8)
        except OSError:
            return None
        cut = length * self._width * self._dtype.itemsize
        rows = raw[:cut].view(self._dtype).view(length, self._width)
        return Seen(rows, raw[cut:].view(torch.int32).long())

    def put(self, sample: Sample, seen: Seen) -> None:
        """Keep what is known of a row.

        Raises:
            KnownError: if the disk is full.
        """
        parts = (seen.rows.to("cpu", self._dtype), seen.best.to("cpu", torch.int32))
        key, length = _key(sample), len(sample.token_ids)
        record = _HEADER.pack(key, length) + b"".join(
            one.contiguous().view(torch.uint8).numpy().tobytes() for one in parts
        )
        try:
            with self._path.open("ab") as file:
                file.write(record)
                at = file.tell() - len(record) + _HEADER.size
        except OSError as error:
            raise _not_stored(error) from error
        self._places[key] = (self._path, at, length)

    def _size(self, length: int) -> int:
        return length * (self._width * self._dtype.itemsize + torch.int32.itemsize)

    def _find_records(self, path: Path, file: BinaryIO) -> int:
        """Where each record lies; returns where the last whole one ends."""
        end = file.seek(0, os.SEEK_END)
        at = 0
        while at + _HEADER.size <= end:
            file.seek(at)
            key, length = _HEADER.unpack(file.read(_HEADER.size))
            after = at + _HEADER.size + self._size(length)
            if after > end:
                break
            self._places[key] = (path, at + _HEADER.size, length)
            at = after
        return at


def _key(sample: Sample) -> bytes:
    numbers = (sample.first, *sample.token_ids)
    return hashlib.blake2b(struct.pack(f"<{len(numbers)}I", *numbers), digest_size=16).digest()


def _not_stored(error: OSError) -> KnownError:
    return KnownError(
        f"What the model says of the rows could not be stored: {error}.",
        remedy(error),
    )
