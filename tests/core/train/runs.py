"""Folders of trainings made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.events import RunEnded, RunState, TrainingEvent
from core.history.training import SPEC_FILE
from core.paths import Paths
from core.train.reporter import Reporter
from core.train.spec import TrainSpec, write_spec

FILES = {
    "checkpoints/step-0000008/optimizer.pt": 2000,
    "checkpoints/step-0000008/weights.safetensors": 1000,
    "best/weights.safetensors": 500,
    "prefixes-0.bin": 70,
}
"""What a training has left beside its record, and how many bytes."""


def make_run(
    paths: Paths, name: str, *told: TrainingEvent, files: Mapping[str, int] = FILES
) -> Path:
    """The folder of a training, its adapter named as itself."""
    folder = paths.runs / name
    folder.mkdir(parents=True)
    spec = TrainSpec("toy", str(paths.adapters / name), ("a.txt",), steps=8)
    write_spec(folder / SPEC_FILE, spec)
    for event in told:
        Reporter(folder)(event)
    for place, size in files.items():
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size))
    return folder


def ended(state: RunState = "completed") -> RunEnded:
    """The last event of a training."""
    return RunEnded(state, 8, None, 9.0, 400)
