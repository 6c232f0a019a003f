"""Hashes that say whether two models hold the same weights; standard library only.

A safetensors file is 8 bytes of header length, a JSON header (tensor name to dtype, shape and
byte range) and the tensors' bytes: https://huggingface.co/docs/safetensors. The header is read
by hand so that hashing streams the bytes and needs no tensor library.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.control import Cancel
from core.errors import KnownError

_CHUNK = 4 << 20
_MOST_HEADER_BYTES = 100_000_000  # the limit of the format's own library
_DTYPE_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    "F4": 4,
}


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor as a safetensors header names it.

    Attributes:
        start: First byte of the tensor, counted from the file's start.
        size: Its length in bytes.
    """

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files that make up a model's weights, in name order.

    An index names its shards; without one it is `model.safetensors`, or else every
    safetensors file of the folder (an adapter's, for example).

    Raises:
        KnownError: if there is none, or the index is unreadable.
    """
    index = folder / "model.safetensors.index.json"
    if index.exists():
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise _damaged(index, "it is not an index of weight files") from error
        if any(Path(str(name)).name != name for name in names):
            raise _damaged(index, "it names files outside its folder")
        return tuple(folder / name for name in sorted(names))
    single = folder / "model.safetensors"
    files = (single,) if single.exists() else tuple(sorted(folder.glob("*.safetensors")))
    if not files:
        raise KnownError(f"There are no safetensors weights in {folder}.")
    return files


def read_header(file: Path) -> tuple[TensorEntry, ...]:
    """The tensors of one safetensors file, in the header's order.

    Raises:
        KnownError: if the file is missing, cut short or no safetensors file.
    """
    try:
        with file.open("rb") as stream:
            total = os.fstat(stream.fileno()).st_size
            length = int.from_bytes(stream.read(8), "little")
            if total < 8 or length > min(total - 8, _MOST_HEADER_BYTES):
                raise _damaged(file, "its header is cut short")
            header = json.loads(stream.read(length))
    except OSError as error:
        raise KnownError(
            f"The weight file {file} cannot be read: {error.strerror}.", "Fetch the model again."
        ) from error
    except ValueError as error:
        raise _damaged(file, "its header is not JSON") from error
    entries = tuple(_entries(file, header, 8 + length))
    end = max((entry.start + entry.size for entry in entries), default=8 + length)
    if end != total:
        raise _damaged(file, f"it has {total:,} bytes where its header names {end:,}")
    return entries


def _entries(file: Path, header: Any, base: int) -> Iterator[TensorEntry]:
    """Entries of a parsed header, each checked against its own dtype and shape."""
    try:
        for name, value in header.items():
            if name == "__metadata__":
                continue
            begin, end = value["data_offsets"]
            shape = tuple(value["shape"])
            if begin < 0 or (end - begin) * 8 != math.prod(shape) * _DTYPE_BITS[value["dtype"]]:
                raise _damaged(file, f"the size of tensor {name!r} is wrong")
            yield TensorEntry(file, name, value["dtype"], shape, base + begin, end - begin)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(file, "its header is not one of safetensors") from error


def _damaged(file: Path, reason: str) -> KnownError:
    return KnownError(
        f"The file {file} is damaged or incomplete: {reason}.", "Fetch or copy the model again."
    )


def weights_hash(folder: Path, cancel: Cancel | None = None) -> str:
    """SHA-256 over every tensor's name, dtype, shape and bytes, in name order.

    The same weights give the same hash however they are sharded and whatever metadata the
    headers carry.

    Raises:
        KnownError: naming the file that is missing or damaged.
        Cancelled: if the user did not want to wait.
    """
    entries = [entry for file in weight_files(folder) for entry in read_header(file)]
    digest = hashlib.sha256()
    for entry in sorted(entries, key=lambda one: one.name):
        digest.update(json.dumps([entry.name, entry.dtype, entry.shape]).encode() + b"\n")
        for chunk in _bytes_of(entry):
            if cancel is not None:
                cancel.check()
            digest.update(chunk)
    return digest.hexdigest()


def _bytes_of(entry: TensorEntry) -> Iterator[bytes]:
    with entry.file.open("rb") as stream:
        stream.seek(entry.start)
        left = entry.size
        while left:
            chunk = stream.read(min(_CHUNK, left))
            if not chunk:
                raise _damaged(entry.file, "it became shorter while it was read")
            left -= len(chunk)
            yield chunk


def cached_weights_hash(folder: Path, cache_dir: Path, cancel: Cancel | None = None) -> str:
    """`weights_hash`, remembered as long as path, size and time of every file stay the same.

    Raises:
        KnownError: naming the file that is missing or damaged.
        Cancelled: if the user did not want to wait.
    """
    stamp = [_stamp(file) for file in weight_files(folder)]
    key = str(folder.resolve())
    cache_file = cache_dir / "weights-hashes.json"
    known = _read_cache(cache_file)
    entry = known.get(key)
    if isinstance(entry, dict) and entry.get("files") == stamp:
        return str(entry["sha256"])
    value = weights_hash(folder, cancel)
    _write_cache(cache_file, {**known, key: {"files": stamp, "sha256": value}})
    return value


def _stamp(file: Path) -> list[Any]:
    try:
        status = file.stat()
    except OSError as error:
        raise KnownError(
            f"The weight file {file} is missing.", "Fetch or copy the model again."
        ) from error
    return [file.name, status.st_size, status.st_mtime_ns]


def _read_cache(file: Path) -> dict[str, Any]:
    """What is remembered; an unreadable cache is merely empty."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_cache(file: Path, known: dict[str, Any]) -> None:
    """Keep the hashes; a disk that takes no more files only costs the time next time."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(known, indent=1), encoding="utf-8")
        os.replace(draft, file)
    except OSError:
        draft.unlink(missing_ok=True)


def text_fingerprint(text: str) -> str:
    """SHA-256 of a text, for chat templates."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
