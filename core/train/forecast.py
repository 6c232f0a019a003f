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
from core.train.preview import TEMPLATE_TOKENS, TURN_TOKENS, Preview
from core.train.process import APART, ENVIRONMENT
from core.train.spec import ANSWER_TOKENS, COMPARING_SHARE, SYNTHESIS_SHARE, TrainSpec, write_spec

LOOK_SECONDS = 0.1
_STEP_BYTES = 1 << 30
"""What a step works with, about: what its rows leave for the gradients, and libraries."""
MOST_KEPT = 16 << 30
"""Bytes; a training on more rows comes back to each of them only a few times."""
MOST_SHARE = 0.5
"""Of the disk's free space."""
BATCH_QUANTILE = 0.8
"""About where the longest of four rows lies among all."""


@dataclass(frozen=True)
class RowLengths:
    """Tokens of the rows of a training.

    Attributes:
        longest: Which decides the memory.
        usual: Which decides the time; that of a batch is its longest row's.
    """

    longest: int
    usual: int

    @classmethod
    def of(cls, preview: Preview) -> RowLengths:
        """What documents come to, about."""
        lengths = sorted(preview.lengths)
        usual = lengths[int(BATCH_QUANTILE * len(lengths))] if lengths else 0
        usual += TEMPLATE_TOKENS + 2 * TURN_TOKENS + (ANSWER_TOKENS if preview.writes else 0)
        return cls(preview.longest, min(preview.longest, usual))


@dataclass(frozen=True)
class Measured:
    """What the probe found.

    Attributes:
        step_seconds: Of one optimizer step on rows of the usual length.
        peak_bytes: Most memory of the process, or of the GPU where it computes on one.
        trained_bytes: What one checkpoint takes on the disk.
        device: What it computed on: "cpu", "cuda:N".
        room_bytes: Memory that was free there before.
        kept_bytes: What a token takes there of what a frozen model says of it.
        start_seconds: Of loading and of the first steps, which a run of some minutes, too, takes
            to see how long they are.
        eval_seconds: Of one evaluation on held-out rows.
    """

    step_seconds: float
    peak_bytes: int
    trained_bytes: int
    device: str
    room_bytes: int
    kept_bytes: int = 0
    start_seconds: float = 0.0
    eval_seconds: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """What a run is expected to take.

    Attributes:
        seconds: From its start to its end; the limit that was set, where minutes were given.
        steps: Optimizer steps in that time, about: rows that come again, and those that are
            their own teacher, take a little less than the drawn ones of a probe.
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
    writing: float = 0.0,
    tokens: int = 0,
    free_bytes: int = 0,
) -> Forecast:
    """What a spec will take by what a probe measured.

    Args:
        spec: The training.
        measured: What the probe found.
        writing: Share of the minutes in which the model may write rows first.
        tokens: Of all rows, about.
        free_bytes: On the disk of the run's folder.
    """
    if spec.steps is not None:
        seconds, steps = spec.steps * measured.step_seconds, spec.steps
    else:
        assert spec.minutes is not None
        seconds, steps = spec.minutes * 60, _steps_of_minutes(spec, measured, writing)
    # One more than is kept: the newest is whole before the oldest goes.
    disk_bytes = (spec.keep_checkpoints + 2) * measured.trained_bytes
    kept_bytes = measured.kept_bytes * tokens
    if spec.kind == "heads" or is_kept(kept_bytes, free_bytes):
        disk_bytes += kept_bytes
    return Forecast(
        seconds, steps, measured.peak_bytes, disk_bytes, measured.device, measured.room_bytes
    )


def _steps_of_minutes(spec: TrainSpec, measured: Measured, writing: float) -> int:
    """As the run itself counts them, `StepCount.fix`: it evaluates first, last and in between."""
    assert spec.minutes is not None
    left = spec.minutes * 60 * (1 - COMPARING_SHARE - writing)
    left -= measured.start_seconds + 2 * measured.eval_seconds
    return max(1, int(left / (measured.step_seconds + measured.eval_seconds / spec.eval_every)))


def writing_share(preview: Preview) -> float:
    """Of a run's minutes, that its model may take to write rows, `rows.gather_rows` says when."""
    return SYNTHESIS_SHARE if preview.writes else 0.0


def run_probe(spec: TrainSpec, cancel: Cancel, lengths: RowLengths | None = None) -> Measured:
    """Measure a few steps of a spec in a process of their own.

    Args:
        spec: The training.
        cancel: Looked at ten times a second.
        lengths: Of its rows; by default all are as long as its context.

    Raises:
        KnownError: if they fail, with the reason; for several processes.
        Cancelled: as soon as it is asked for; the process is gone then.
    """
    if spec.processes > 1:
        raise KnownError(
            "Steps, memory and disk are not forecast for several processes: a probe is one alone, "
            "and each of them takes memory of its own."
        )
    lengths = lengths or RowLengths(spec.context, spec.context)
    tokens = [str(lengths.longest), str(lengths.usual)]
    with tempfile.TemporaryDirectory(prefix="stride-") as folder:
        spec_file = Path(folder) / "spec.json"
        write_spec(spec_file, spec)
        process = subprocess.Popen(
            [sys.executable, "-m", "core.train.probe", str(spec_file), *tokens],
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
