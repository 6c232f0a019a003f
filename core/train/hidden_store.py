"""Hidden rows of training rows, computed once: a frozen model says the same of them every time.

A file in the run's folder, one record a row, appended on the row's first visit and read again in
later epochs and after a resume. Plain reads and writes, which the system's own cache makes as
quick as mapped memory: of that, a full disk would kill the process instead of being an error.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.errors import KnownError

_HEADER = struct.Struct("<16sI")
"""Which row it is, and how many tokens it has."""


@dataclass(frozen=True)
class Seen:
    """What the frozen model says of a row of L tokens.

    Attributes:
        hidden: [L, H] its last hidden rows, behind its final norm.
        best: [L] its next token at each position of the answer; 0 before it.
    """

    hidden: Tensor
    best: Tensor


class HiddenStore:
    """What a model says of rows, in a file.

    Args:
        path: The file; what a killed run has left half written is cut off.
        width: H.
        dtype: Of the hidden rows.

    Raises:
        KnownError: if it cannot be opened.
    """

    def __init__(self, path: Path, width: int, dtype: torch.dtype) -> None:
        self._width, self._dtype = width, dtype
        self._places: dict[bytes, tuple[int, int]] = {}
        try:
            self._file = path.open("r+b" if path.is_file() else "w+b")
            self._find_records()
        except OSError as error:
            raise _not_stored(error) from error

    def get(self, token_ids: tuple[int, ...]) -> Seen | None:
        """What is known of a row."""
        place = self._places.get(_key(token_ids))
        if place is None:
            return None
        at, length = place
        self._file.seek(at)
        raw = torch.frombuffer(bytearray(self._file.read(self._size(length))), dtype=torch.uint8)
        cut = length * self._width * self._dtype.itemsize
        hidden = raw[:cut].view(self._dtype).view(length, self._width)
        return Seen(hidden, raw[cut:].clone().view(torch.int32).long())

    def put(self, token_ids: tuple[int, ...], seen: Seen) -> None:
        """Keep what is known of a row.

        Raises:
            KnownError: if the disk is full.
        """
        hidden = seen.hidden.to("cpu", self._dtype).contiguous()
        parts = (hidden, seen.best.to("cpu", torch.int32).contiguous())
        key, length = _key(token_ids), len(token_ids)
        try:
            at = self._file.seek(0, os.SEEK_END) + _HEADER.size
            self._file.write(_HEADER.pack(key, length))
            for part in parts:
                self._file.write(part.view(torch.uint8).numpy().tobytes())
            self._file.flush()
        except OSError as error:
            raise _not_stored(error) from error
        self._places[key] = (at, length)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _size(self, length: int) -> int:
        return length * (self._width * self._dtype.itemsize + torch.int32.itemsize)

    def _find_records(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        at = 0
        while at + _HEADER.size <= end:
            self._file.seek(at)
            key, length = _HEADER.unpack(self._file.read(_HEADER.size))
            after = at + _HEADER.size + self._size(length)
            if after > end:
                break
            self._places[key] = (at + _HEADER.size, length)
            at = after
        self._file.truncate(at)


def _key(token_ids: tuple[int, ...]) -> bytes:
    return hashlib.blake2b(struct.pack(f"<{len(token_ids)}I", *token_ids), digest_size=16).digest()


def _not_stored(error: OSError) -> KnownError:
    return KnownError(
        f"The model's hidden states could not be stored: {error}.",
        "Free some disk space and resume the run.",
    )
