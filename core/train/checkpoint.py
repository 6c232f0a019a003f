"""Checkpoints: everything a run needs to go on, written whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.errors import KnownError

FOLDER = "checkpoints"
_WEIGHTS = "weights.safetensors"
_STATE = "optimizer.pt"


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
    folder = run_dir / FOLDER / f"step-{step:07d}"
    draft = folder.with_name(folder.name + ".partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        save_file({name: one.contiguous() for name, one in weights.items()}, draft / _WEIGHTS)
        torch.save(state, draft / _STATE)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(draft, folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise KnownError(
            f"The checkpoint of step {step} could not be written: {error}.",
            "Free some disk space and resume the run.",
        ) from error
    for old in _complete(run_dir)[:-keep]:
        shutil.rmtree(old)
    return folder


def newest_checkpoint(run_dir: Path) -> tuple[int, Path] | None:
    """Step and folder of the newest complete checkpoint."""
    complete = _complete(run_dir)
    if not complete:
        return None
    return int(complete[-1].name.removeprefix("step-")), complete[-1]


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights and state of a checkpoint.

    Raises:
        KnownError: if its files are damaged.
    """
    try:
        return load_file(folder / _WEIGHTS), torch.load(folder / _STATE, weights_only=True)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise KnownError(
            f"The checkpoint {folder} cannot be read: {error}.",
            "Remove its folder to go on from the one before.",
        ) from error


def _complete(run_dir: Path) -> list[Path]:
    found = (run_dir / FOLDER).glob("step-*")
    return sorted(folder for folder in found if not folder.name.endswith(".partial"))
