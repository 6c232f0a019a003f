"""Runs that wait for their turn: folders with a spec and a mark, the one marked first in front."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.history.training import EVENTS_FILE, SPEC_FILE, is_at_work, run_folders
from core.paths import Paths

MARK = "QUEUED"


def put_in_line(run_dir: Path) -> None:
    """Let a new run wait for its turn."""
    (run_dir / MARK).touch()


def is_waiting(run_dir: Path) -> bool:
    """Whether a run is in line."""
    return (run_dir / MARK).is_file()


def take_out(run_dir: Path) -> None:
    """Its turn has come."""
    (run_dir / MARK).unlink(missing_ok=True)


def drop(run_dir: Path) -> None:
    """Take a run out of the line; one that never started goes with its folder."""
    has_begun = (run_dir / EVENTS_FILE).exists()
    take_out(run_dir)
    if not has_begun:
        shutil.rmtree(run_dir)


def waiting(paths: Paths) -> list[Path]:
    """Runs in the order in which they were put in line."""
    found = [folder for folder in _runs(paths) if (folder / MARK).is_file()]
    return sorted(found, key=lambda folder: (folder / MARK).stat().st_mtime_ns)


def at_work(paths: Paths) -> list[Path]:
    """Runs whose process is on this machine, whoever started it."""
    return [folder for folder in _runs(paths) if is_at_work(folder)]


def _runs(paths: Paths) -> list[Path]:
    return [one for one in run_folders(paths.runs) if (one / SPEC_FILE).is_file()]
