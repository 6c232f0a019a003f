"""The newest trainings as the window lists them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from core.control import Cancel
from core.errors import KnownError
from core.events import RunState
from core.history.records import RunDetail
from core.history.training import HELD_OUT_FILE, SPEC_FILE, read_training, run_folders
from core.paths import Paths
from core.train import queue
from core.train.cleanup import disk_use, has_checkpoint
from core.train.spec import read_spec

STAMP = "%Y%m%d-%H%M%S"
NEWEST_RUNS = 30
"""Runs that are listed; the history has them all."""


@dataclass(frozen=True)
class RunLine:
    """One training as the list shows it.

    Attributes:
        state: As in the history, or "queued".
        made_at: Seconds since 1970: when it was planned, which is what orders them.
        disk_bytes: What its folder takes, checkpoints and all.
        has_checkpoint: Whether it would go on from there; else it would begin anew.
        held_out: File of its held-out rows as prompts, once it has one.
    """

    folder: Path
    name: str
    state: RunState | str
    made_at: float
    record: RunDetail
    disk_bytes: int
    has_checkpoint: bool
    held_out: Path | None


def read_lines(paths: Paths, cancel: Cancel) -> list[RunLine]:
    """Read the runs made last, newest first.

    Raises:
        Cancelled: as soon as it is asked for.
    """
    waiting = set(queue.waiting(paths))
    lines = []
    for folder in run_folders(paths.runs)[:NEWEST_RUNS]:
        cancel.check()
        try:
            record = read_training(folder)
        except (KnownError, OSError):
            continue  # it may be removed just now
        lines.append(_line(folder, record, folder in waiting))
    return lines


def _line(folder: Path, record: RunDetail, is_waiting: bool) -> RunLine:
    held_out = folder / HELD_OUT_FILE
    return RunLine(
        folder=folder,
        name=record.adapter or folder.name,
        state="queued" if is_waiting else record.state,
        made_at=_made_at(folder) or record.created_at,
        record=record,
        disk_bytes=disk_use(folder).total,
        has_checkpoint=has_checkpoint(folder),
        held_out=held_out if held_out.is_file() else None,
    )


def _made_at(folder: Path) -> float:
    """By the name of the folder, as `new_run` gives it; 0.0 for another name."""
    try:
        return time.mktime(time.strptime(folder.name.rpartition("-")[0], STAMP))
    except ValueError:
        return 0.0


def run_name(folder: Path) -> str:
    """What a run is called: as its adapter."""
    try:
        return Path(read_spec(folder / SPEC_FILE).out).name
    except KnownError:
        return folder.name


def restart_text(has_checkpoint: bool) -> str:
    """The button that lets an unfinished training go on."""
    return "Resume" if has_checkpoint else "Begin anew"
