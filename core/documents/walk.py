"""From the paths a user names to the files in them, in a fixed order; links are not followed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.documents.records import Finding, Source, speakable


def files_of(paths: Iterable[str]) -> Iterator[Source | Finding]:
    """Every file of the paths, and a finding for whatever is not read.

    Names are relative to the named folder's parent. What changes later is told by the reader.
    """
    for given in paths:
        if not given:
            yield Finding('""', "", "skipped", "no path was given")
            continue
        path = Path(given)
        name = speakable(path.name or str(path))
        if path.is_dir():
            yield from _files_of_folder(path, name)
        elif path.is_file():
            yield Source(path, name)
        else:
            why = "it is no regular file" if path.exists() else "it does not exist"
            yield Finding(name, "", "skipped", why)


def _files_of_folder(folder: Path, name: str) -> Iterator[Source | Finding]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        yield Finding(name, "", "skipped", f"it cannot be opened ({error.strerror})")
        return
    if not entries:
        yield Finding(name, "", "empty", "it is an empty folder")
    for entry in entries:
        yield from _entry(entry, f"{name}/{speakable(entry.name)}")


def _entry(entry: os.DirEntry[str], name: str) -> Iterator[Source | Finding]:
    if entry.is_symlink():
        yield Finding(name, "", "skipped", "it is a link; name its target to read it")
    elif entry.is_dir():
        if entry.name.startswith("."):
            yield Finding(name, "", "skipped", "it is a hidden folder; name it to read it")
        else:
            yield from _files_of_folder(Path(entry.path), name)
    elif entry.is_file():
        yield Source(Path(entry.path), name)
    else:
        yield Finding(name, "", "skipped", "it is no regular file")
