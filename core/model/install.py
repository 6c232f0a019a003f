"""How a model folder of Stride's own comes to be: all of it, or nothing that counts.

Work happens in `NAME.partial-KEY` beside the final place. The manifest is written last, then
the folder gets its name by one rename. A folder without a whole manifest is no model.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.control import Cancel
from core.errors import KnownError

Progress = Callable[[str, int, int], None]
"""Told what is going on: phase, done, total (bytes or steps; a total of 0 is unknown)."""

MANIFEST_FILE = "stride-model.json"
_OWNER_FILE = "owner.pid"
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder of Stride's own holds and where it came from.

    Attributes:
        hashes: SHA-256 by what was hashed, for example "wheel" or a file's name.
        files: Size in bytes of every file of the model.
    """

    name: str
    source: str
    licence: str
    hashes: dict[str, str]
    files: dict[str, int]


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder, or None if there is no whole one."""
    try:
        return Manifest(**json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def damage(folder: Path, manifest: Manifest) -> str:
    """What differs from the manifest, in a few words, or nothing."""
    for name, size in manifest.files.items():
        file = folder / name
        if not file.is_file():
            return f"incomplete: the file {name} is missing"
        if file.stat().st_size != size:
            return f"damaged: {name} has {file.stat().st_size:,} bytes instead of {size:,}"
    return ""


def file_hash(file: Path, cancel: Cancel) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(4 << 20):
            cancel.check()
            digest.update(chunk)
    return digest.hexdigest()


def is_installed(folder: Path) -> bool:
    """Whether the folder is a whole model of Stride's own."""
    manifest = read_manifest(folder)
    return manifest is not None and not damage(folder, manifest)


@contextmanager
def partial_folder(target: Path, key: str, need_bytes: int) -> Iterator[Path]:
    """A folder to work in, held by this process; what older attempts left is removed first.

    A folder with the same key is taken over as it is, so that a download can go on. What the
    work leaves behind stays, for `publish` or for the next attempt.

    Raises:
        KnownError: if the disk is too small or another process works on the same model.
    """
    partial = target.with_name(f"{target.name}.partial-{key}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for other in target.parent.glob(f"{target.name}.partial-*"):
            _refuse_if_owned(other)
            if other != partial:
                shutil.rmtree(other, ignore_errors=True)
        partial.mkdir(exist_ok=True)
        _refuse_if_full(partial, need_bytes)
        owner = partial / _OWNER_FILE
        owner.write_text(str(os.getpid()))
        try:
            yield partial
        finally:
            owner.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(error, target.parent) from error


def _refuse_if_owned(partial: Path) -> None:
    """A process that was killed leaves its number behind; a live one means hands off."""
    try:
        owner = int((partial / _OWNER_FILE).read_text())
    except (OSError, ValueError):
        return
    if owner != os.getpid() and psutil.pid_exists(owner):
        raise KnownError(
            f"Another process (number {owner}) is fetching this model already.",
            "Wait for it, or end it and try again.",
        )


def _refuse_if_full(partial: Path, need_bytes: int) -> None:
    there = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
    missing = need_bytes + _SPARE_BYTES - there - shutil.disk_usage(partial).free
    if missing > 0:
        raise KnownError(
            f"The disk of {partial.parent} is {missing / 1e6:,.0f} MB too full for this model.",
            "Free some space, or set STRIDE_HOME to a folder on another disk.",
        )


def disk_error(error: OSError, folder: Path) -> KnownError:
    """What a failed write means to the user."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return KnownError(
            f"The disk of {folder} is full.",
            "Free some space, or set STRIDE_HOME to a folder on another disk.",
        )
    return KnownError(f"Writing below {folder} failed: {error.strerror or error}.")


def publish(
    partial: Path, target: Path, *, name: str, source: str, licence: str, hashes: dict[str, str]
) -> Path:
    """Make the finished work a model: everything to the disk, the manifest, then the rename."""
    (partial / _OWNER_FILE).unlink(missing_ok=True)
    files = {file.name: file.stat().st_size for file in sorted(partial.iterdir())}
    for file in files:
        _sync(partial / file)
    manifest = partial / MANIFEST_FILE
    value = Manifest(name, source, licence, hashes, files)
    manifest.write_text(json.dumps(dataclasses.asdict(value), indent=1), encoding="utf-8")
    _sync(manifest)
    if target.exists():  # never whole: `is_installed` is asked before any work begins
        shutil.rmtree(target)
    os.replace(partial, target)
    return target


def _sync(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())
