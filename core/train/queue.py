"""Runs that wait for their turn: folders with a spec and a mark, oldest first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from core.history.training import EVENTS_FILE, SPEC_FILE, is_at_work
from core.paths import Paths

MARK = "QUEUED"


def put_in_line(run_dir: Path) -> None:
    """Let a new run wait for its turn."""
    (run_dir / MARK).touch()


def take_out(run_dir: Path) -> None:
    """Its turn has come."""
    (run_dir / MARK).unlink(missing_ok=True)


def drop(run_dir: Path) -> None:
    """Take a run that never started out of the line, folder and all."""
    if (run_dir / MARK).is_file() and not (run_dir / EVENTS_FILE).exists():
        shutil.rmtree(run_dir)


def waiting(paths: Paths) -> list[Path]:
    """Runs in the order of their turns."""
    return [folder for folder in _runs(paths) if (folder / MARK).is_file()]


def at_work(paths: Paths) -> list[Path]:
    """Runs whose process is there, whoever started it."""
    return [folder for folder in _runs(paths) if is_at_work(folder)]


def _runs(paths: Paths) -> Iterator[Path]:
    if paths.runs.is_dir():
        # Their names begin with the time they were made at.
        yield from sorted(one for one in paths.runs.iterdir() if (one / SPEC_FILE).is_file())
