"""What a training will take: measured by a probe of a few steps on this machine; no torch here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.control import Cancel
from core.errors import Cancelled, KnownError
from core.train.process import APART, ENVIRONMENT
from core.train.spec import COMPARING_SHARE, SYNTHESIS_SHARE, TrainSpec, write_spec

LOOK_SECONDS = 0.1
_STEP_BYTES = 1 << 30
"""What a step works with, about: what its rows leave for the gradients, and libraries."""


MOST_KEPT = 16 << 30
"""Bytes; a training on more rows comes back to each of them only a few times."""
MOST_SHARE = 0.5
"""Of the disk's free space."""


@dataclass(frozen=True)
class Measured:
    """What the probe found.

    Attributes:
        step_seconds: Of one optimizer step on rows as long as the longest.
        peak_bytes: Most memory of the process, or of the GPU where it computes on one.
        trained_bytes: What one checkpoint takes on the disk.
        device: What it computed on: "cpu", "cuda:N".
        room_bytes: Memory that was free there before.
        kept_bytes: What a token takes there of what a frozen model says of it.
    """

    step_seconds: float
    peak_bytes: int
    trained_bytes: int
    device: str
    room_bytes: int
    kept_bytes: int = 0


@dataclass(frozen=True)
class Forecast:
    """What a run is expected to take.

    Attributes:
        seconds: From its start to its end; the limit that was set, where minutes were given.
        steps: Optimizer steps in that time, at least: rows that come again, and those that are
            their own teacher, take less than the drawn ones of a probe.
        peak_bytes: Most memory at a time, about.
        disk_bytes: Checkpoints, adapter, and what is kept of the rows.
        device: What it will compute on.
        room_bytes: Memory that was free there when it was forecast.
    """

    seconds: float
    steps: int
    peak_bytes: int
    disk_bytes: int
    device: str
    room_bytes: int


def is_kept(need_bytes: float, free_bytes: int) -> bool:
    """Whether a gated training keeps on the disk what the frozen model says of its rows.

    Args:
        need_bytes: What that takes.
        free_bytes: What is free.
    """
    return need_bytes <= min(MOST_KEPT, MOST_SHARE * free_bytes)


def forecast(
    spec: TrainSpec,
    measured: Measured,
    writes: bool = False,
    tokens: int = 0,
    free_bytes: int = 0,
) -> Forecast:
    """What a spec will take by what a probe measured.

    Args:
        spec: The training.
        measured: What the probe found.
        writes: Whether the model writes rows first, which may take its whole share of the time.
        tokens: Of all rows, about.
        free_bytes: On the disk of the run's folder.
    """
    if spec.steps is not None:
        seconds, steps = spec.steps * measured.step_seconds, spec.steps
    else:
        assert spec.minutes is not None
        seconds = spec.minutes * 60
        share = 1 - COMPARING_SHARE - (SYNTHESIS_SHARE if writes else 0)
        steps = int(seconds * share / measured.step_seconds)
    # One more than is kept: the newest is whole before the oldest goes.
    disk_bytes = (spec.keep_checkpoints + 2) * measured.trained_bytes
    kept_bytes = measured.kept_bytes * tokens
    if spec.kind == "heads" or is_kept(kept_bytes, free_bytes):
        disk_bytes += kept_bytes
    return Forecast(
        seconds, steps, measured.peak_bytes, disk_bytes, measured.device, measured.room_bytes
    )


def run_probe(spec: TrainSpec, cancel: Cancel, row_tokens: int | None = None) -> Measured:
    """Measure a few steps of a spec in a process of their own.

    Args:
        spec: The training.
        cancel: Looked at ten times a second.
        row_tokens: Length of its longest row; by default its context.

    Raises:
        KnownError: if they fail, with the reason; for several processes.
        Cancelled: as soon as it is asked for; the process is gone then.
    """
    if spec.processes > 1:
        raise KnownError("Nothing is forecast for several processes: a probe is one alone.")
    tokens = row_tokens or spec.context
    with tempfile.TemporaryDirectory(prefix="stride-") as folder:
        spec_file = Path(folder) / "spec.json"
        write_spec(spec_file, spec)
        process = subprocess.Popen(
            [sys.executable, "-m", "core.train.probe", str(spec_file), str(tokens)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parent.parent.parent,
            env=ENVIRONMENT | os.environ,
            **APART,
        )
        out, said = _wait(process, cancel)
    if process.returncode:
        last = said.strip().splitlines()[-1:] or ["it ended without a word"]
        raise KnownError(f"The probe of a few steps failed: {last[0]}")
    return Measured(**json.loads(out.splitlines()[-1]))


def _wait(process: subprocess.Popen[str], cancel: Cancel) -> tuple[str, str]:
    try:
        while not cancel.is_set:
            try:
                return process.communicate(timeout=LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        raise Cancelled
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def rough_bytes(answering_bytes: int) -> int:
    """About what training the gated adapter of a model takes, before anything is measured.

    Args:
        answering_bytes: What answering with it takes.
    """
    return 2 * answering_bytes + _STEP_BYTES
