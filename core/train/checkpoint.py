"""Checkpoints: everything a run needs to go on, written whole or not at all."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.errors import KnownError
from core.events import EvalDone
from core.history.training import BEST_FOLDER, CHECKPOINTS_FOLDER, checkpoint_folders
from core.jsonl import dumps, from_dict
from core.train.durable import put_in_place, remedy
from core.train.memory import is_out_of_memory

Checkpoint = tuple[int, dict[str, Tensor], dict[str, Any]]
"""Steps done, weights, and the state of optimizer and clock."""

_EVALUATION = "evaluation"
_WEIGHTS = "weights.safetensors"
_STATE = "optimizer.pt"
_TORN = (None, errno.ENOENT, errno.EINVAL)
"""Numbers of the errors of missing and torn files; with others the disk refuses whole ones."""


def save_checkpoint(
    run_dir: Path, step: int, weights: dict[str, Tensor], state: dict[str, Any], keep: int
) -> Path:
    """Write a checkpoint after `step` steps and drop all but the newest `keep`.

    Args:
        run_dir: The run's folder.
        step: Steps done; the position in the data follows from it.
        weights: What is trained, in full precision.
        state: Optimizer and schedule.
        keep: How many checkpoints stay.

    Raises:
        KnownError: if the disk is full or not writable; older checkpoints stay as they are.
    """
    folder = run_dir / CHECKPOINTS_FOLDER / f"step-{step:07d}"
    draft = folder.with_name(folder.name + ".partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        save_file({name: one.contiguous() for name, one in weights.items()}, draft / _WEIGHTS)
        torch.save(state, draft / _STATE)
        if folder.exists():
            shutil.rmtree(folder)
        put_in_place(draft, folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise KnownError(
            f"The checkpoint of step {step} could not be written: {error}.",
            remedy(error),
        ) from error
    _drop_others(run_dir, folder, keep)
    return folder


def _drop_others(run_dir: Path, newest: Path, keep: int) -> None:
    """Leave the newest `keep`; those of later steps are damaged ones that were passed over."""
    complete = checkpoint_folders(run_dir)
    until = complete.index(newest) + 1
    for one in (*complete[:until][:-keep], *complete[until:]):
        shutil.rmtree(one, ignore_errors=True)


def load_newest(run_dir: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint that is whole; None before the first.

    Args:
        run_dir: The run's folder.
        say: Called with a sentence for each damaged one, which is passed over.

    Raises:
        KnownError: if all are damaged, or the disk does not let one be read.
    """
    complete = checkpoint_folders(run_dir)
    for folder in reversed(complete):
        step = int(folder.name.removeprefix("step-"))
        try:
            return load_checkpoint(run_dir, step)
        except (KnownError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, RuntimeError) and is_out_of_memory(error):
                raise
            why = str(error).partition("\n")[0]
            say(f"The checkpoint of step {step} is damaged and is passed over ({why}).")
    if complete:
        raise KnownError(
            f"All checkpoints in {run_dir / CHECKPOINTS_FOLDER} are damaged.",
            f"`stride runs clean {run_dir.name}` removes them; it then begins anew.",
        )
    return None


def load_checkpoint(run_dir: Path, step: int) -> Checkpoint:
    """The checkpoint after `step` steps, in main memory.

    Raises:
        KnownError: if the disk does not let it be read.
        Exception: of any kind, if it is damaged.
    """
    folder = run_dir / CHECKPOINTS_FOLDER / f"step-{step:07d}"
    try:
        weights = load_file(folder / _WEIGHTS)
        state = torch.load(folder / _STATE, map_location="cpu", weights_only=True)
    except OSError as error:
        if error.errno in _TORN:
            raise
        raise KnownError(f"The checkpoint {folder} cannot be read: {error}.") from error
    return step, weights, state


def save_best(run_dir: Path, found: EvalDone, weights: dict[str, Tensor]) -> None:
    """Keep the weights of the best evaluation so far, in place of the ones before.

    Raises:
        KnownError: if the disk is full or not writable; those before stay as they are.
    """
    file = run_dir / BEST_FOLDER / _WEIGHTS
    draft = file.with_suffix(".partial")
    try:
        file.parent.mkdir(exist_ok=True)
        plain = {name: one.contiguous() for name, one in weights.items()}
        save_file(plain, draft, metadata={_EVALUATION: dumps(found)})
        put_in_place(draft, file)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise KnownError(
            f"The best adapter so far (step {found.step}) could not be written: {error}.",
            remedy(error),
        ) from error


def rank_of(found: EvalDone) -> tuple[float, float]:
    """What makes one evaluation better than another."""
    return found.tokens_per_pass, sum(found.agreement_by_slot)


def best_evaluation(run_dir: Path, say: Callable[[str], None]) -> EvalDone | None:
    """The best evaluation so far; None before the first one.

    Args:
        run_dir: The run's folder.
        say: Called with a sentence if the file with its weights is damaged: it counts as none.
    """
    file = run_dir / BEST_FOLDER / _WEIGHTS
    if not file.is_file():
        return None
    try:
        with safe_open(file, "pt") as opened:
            return cast("EvalDone", from_dict(json.loads(opened.metadata()[_EVALUATION])))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        say("The best adapter so far cannot be read; the next evaluation writes it anew.")
        return None


def load_best(run_dir: Path) -> dict[str, Tensor]:
    """The weights of `best_evaluation`."""
    return load_file(run_dir / BEST_FOLDER / _WEIGHTS)
