"""What trainings have left on the disk, and removing it; no torch here."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.control import Cancel
from core.errors import KnownError
from core.events import RunState
from core.history.records import RunDetail
from core.history.training import (
    BEST_FOLDER,
    CHECKPOINTS_FOLDER,
    UNFINISHED,
    checkpoint_folders,
    is_at_work,
    read_training,
    run_folders,
)
from core.paths import Paths, free_disk_bytes
from core.train import queue

State = RunState | Literal["queued", "remains", "cache"]
"""As in the history, or: in line, a folder that holds no run any more, the models' answers."""

ANSWERS = "Answers written by models"
WORKING_FILES = "*.bin"
WHY_NOT = {
    "running": "It is at work: stop it first.",
    "queued": "It is in line: take it out first.",
}


@dataclass(frozen=True)
class DiskUse:
    """Bytes that a run takes.

    Attributes:
        checkpoints: What it would go on from, the best adapter so far among it.
        working: What a frozen model said of its rows; said again where it is missing.
        record: The rest: its spec, rows, events and results.
    """

    checkpoints: int = 0
    working: int = 0
    record: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.checkpoints + self.working + self.record


@dataclass(frozen=True)
class Leftover:
    """One training's folder, or the answers that models wrote for all of them.

    Attributes:
        name: What a run is called: as its adapter.
        created_at: Seconds since 1970; 0.0 where nobody knows.
        can_go_on: Whether it is not over and has a checkpoint to go on from.
    """

    folder: Path
    name: str
    state: State
    created_at: float
    use: DiskUse
    can_go_on: bool = False

    @property
    def why_not(self) -> str:
        """Why nothing of it can be removed now; "" if it can."""
        return WHY_NOT.get(self.state, "")

    def frees(self, everything: bool) -> int:
        """Bytes that `remove` frees."""
        return self.use.total if everything else self.use.total - self.use.record


@dataclass(frozen=True)
class Survey:
    """All that trainings have left, newest first, and what is free beside it."""

    leftovers: tuple[Leftover, ...]
    free_bytes: int

    @property
    def total_bytes(self) -> int:
        """What all of it takes."""
        return sum(one.use.total for one in self.leftovers)


def survey(paths: Paths, cancel: Cancel) -> Survey:
    """Look at everything that trainings have left.

    Raises:
        Cancelled: as soon as it is asked for.
    """
    found = []
    for folder in run_folders(paths.runs):
        cancel.check()
        found.append(_leftover(folder))
    if answers := disk_use(paths.answers).total:
        found.append(Leftover(paths.answers, ANSWERS, "cache", 0.0, DiskUse(working=answers)))
    return Survey(tuple(found), free_disk_bytes(paths.runs))


def disk_use(run_dir: Path) -> DiskUse:
    """What a run takes; files of one at work come and go meanwhile."""
    sizes: Counter[str] = Counter()
    for parent, _, names in os.walk(run_dir):
        for name in names:
            path = Path(parent, name)
            with suppress(OSError):
                sizes[_part_of(path.relative_to(run_dir))] += path.lstat().st_size
    return DiskUse(**sizes)


def has_checkpoint(run_dir: Path) -> bool:
    """Whether a run has a whole checkpoint to go on from."""
    return bool(checkpoint_folders(run_dir))


def remove(folders: Iterable[Path], paths: Paths, everything: bool, cancel: Cancel) -> None:
    """Remove checkpoints and working files of runs, or all they have left; a failure ends nothing.

    Their adapters and their rows in the history stay.

    Args:
        folders: Of runs, and of the models' answers: see `Leftover`.
        paths: The user's folders; nothing outside of them is touched.
        everything: Remove a run's record, too.
        cancel: Looked at before each folder.

    Raises:
        KnownError: saying what could not be removed.
        Cancelled: as soon as it is asked for.
    """
    failed: list[KnownError] = []
    for folder in folders:
        cancel.check()
        try:
            for target in _targets(folder, paths, everything):
                _remove(target)
        except KnownError as error:
            failed.append(error)
    if len(failed) > 1:
        raise KnownError(f"{failed[0]} {len(failed) - 1} more could not be removed, either.")
    if failed:
        raise failed[0]


def _targets(folder: Path, paths: Paths, everything: bool) -> list[Path]:
    """What goes with a folder."""
    if folder == paths.answers:
        return [folder]
    if folder not in run_folders(paths.runs):
        raise KnownError(f"{folder} is no folder of a training.")
    found = _leftover(folder)  # it may have begun since the user saw it
    if found.why_not:
        raise KnownError(f"Nothing of {found.name} was removed.", found.why_not)
    if everything:
        return [folder]
    parts = (folder / CHECKPOINTS_FOLDER, folder / BEST_FOLDER)
    return [*parts, *folder.glob(WORKING_FILES)]


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise KnownError(
            f"{path} could not be removed whole: {error.strerror or error}."
        ) from error


def _leftover(folder: Path) -> Leftover:
    run = _read(folder)
    name = folder.name if run is None else run.adapter or folder.name
    created_at = 0.0 if run is None else run.created_at
    state = _state_of(folder, run)
    can_go_on = state in UNFINISHED and has_checkpoint(folder)
    return Leftover(folder, name, state, created_at, disk_use(folder), can_go_on)


def _read(folder: Path) -> RunDetail | None:
    try:
        return read_training(folder)
    except (KnownError, OSError):
        return None


def _state_of(folder: Path, run: RunDetail | None) -> State:
    if queue.is_waiting(folder):
        return "queued"
    if run is not None:
        return run.state
    return "running" if is_at_work(folder) else "remains"  # its events may be damaged


def _part_of(path: Path) -> str:
    """The field of `DiskUse` that a file counts to, by its place in the run's folder."""
    if path.parts[0] in (CHECKPOINTS_FOLDER, BEST_FOLDER):
        return "checkpoints"
    is_working = len(path.parts) == 1 and path.match(WORKING_FILES)
    return "working" if is_working else "record"
