"""Checkpoints: everything a run needs to go on, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.errors import KnownError
from core.events import EvalDone
from core.history.training import BEST_FOLDER, CHECKPOINTS_FOLDER
from core.jsonl import dumps, from_dict

_EVALUATION = "evaluation"
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
    folder = run_dir / CHECKPOINTS_FOLDER / f"step-{step:07d}"
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
        os.replace(draft, file)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise KnownError(
            f"The best adapter so far (step {found.step}) could not be written: {error}.",
            "Free some disk space and resume the run.",
        ) from error


def rank_of(found: EvalDone) -> tuple[float, float]:
    """What makes one evaluation better than another."""
    return found.tokens_per_pass, sum(found.agreement_by_slot)


def best_evaluation(run_dir: Path) -> EvalDone | None:
    """The best evaluation so far; None before the first one.

    Raises:
        KnownError: if the file with its weights is damaged.
    """
    file = run_dir / BEST_FOLDER / _WEIGHTS
    if not file.is_file():
        return None
    try:
        with safe_open(file, "pt") as opened:
            return cast("EvalDone", from_dict(json.loads(opened.metadata()[_EVALUATION])))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise KnownError(
            f"The best adapter so far in {file} cannot be read: {error}.", "Remove that file."
        ) from error


def load_best(run_dir: Path) -> dict[str, Tensor]:
    """The weights of `best_evaluation`."""
    return load_file(run_dir / BEST_FOLDER / _WEIGHTS)


def _complete(run_dir: Path) -> list[Path]:
    found = (run_dir / CHECKPOINTS_FOLDER).glob("step-*")
    return sorted(folder for folder in found if not folder.name.endswith(".partial"))
