"""Files of a run that are there whole or not at all, after a power cut too. No torch."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path


def put_in_place(draft: Path, place: Path) -> None:
    """Give a finished file, or a folder of files, its place; a file that stands there gives way.

    What it holds is on the disk before its name is: a power cut would else leave the name alone.

    Raises:
        OSError: if the disk does not take it.
    """
    is_folder = draft.is_dir()
    for file in draft.iterdir() if is_folder else (draft,):
        with file.open("r+b") as opened:
            os.fsync(opened)
    if is_folder:
        _keep_names(draft)
    os.replace(draft, place)
    _keep_names(place.parent)


def remedy(error: Exception) -> str:
    """What lets a run go on whose folder did not take a file."""
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Make the run's folder writable again and resume the run."
    return "Free some disk space and resume the run."


def _keep_names(folder: Path) -> None:
    """Have on the disk what a folder holds; Windows and some network folders cannot."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
