"""A short measured look at what a training takes: `python -m core.train.probe SPEC.json TOKENS`.

It loads what the training would load, does two steps on tokens drawn at random with rows as
many tokens as said, and prints one JSON object. In a process of its own, so that its memory is
the training's and comes back whole.
"""

from __future__ import annotations

import dataclasses
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.train.forecast import Measured

if TYPE_CHECKING:
    import torch

    from core.train.spec import TrainSpec
    from core.train.student import Student

GROWTH = 1.25
"""On the CPU a run comes to hold more than three steps do, in gaps between tensors of different
sizes: after half an hour 1.44 times as much with a gated adapter, 1.10 with all weights."""

STEPS = 3
"""The first warms up and is not counted."""


def measure(spec_file: Path, row_tokens: int) -> Measured:
    """Do the steps of a spec on rows of one length."""
    import torch

    from core.device import choose_device, free_memory, peak_memory
    from core.engine.session import choose_dtype
    from core.paths import user_paths
    from core.train.spec import read_spec
    from core.train.student import load_student

    spec = read_spec(spec_file)
    device = choose_device(spec.device)
    dtype = choose_dtype(spec.dtype, device)
    room_bytes = free_memory(device)
    student = load_student(spec, user_paths(), torch.device(device), dtype)
    with tempfile.TemporaryDirectory(prefix="stride-") as folder:
        student.prepare((), Path(folder))
        seconds = _timed_steps(student, spec, row_tokens, dtype)
        kept = sum(file.stat().st_size for file in Path(folder).iterdir())
        student.close()
    groups = student.parameter_groups()
    trained = sum(one.numel() for group in groups for one in group["params"])
    # In a checkpoint each of them is kept in float32, with the optimizer's two averages.
    peak = peak_memory(device)
    peak_bytes = round(peak * GROWTH) if device == "cpu" else peak
    kept_bytes = kept // (STEPS * spec.sequences * row_tokens)
    return Measured(
        statistics.median(seconds[1:]), peak_bytes, trained * 12, device, room_bytes, kept_bytes
    )


def _timed_steps(
    student: Student, spec: TrainSpec, row_tokens: int, dtype: torch.dtype
) -> list[float]:
    """Seconds of each step.

    Drawn rows are none of the model's own, so all ask the teacher: a little longer than real ones.
    """
    import torch

    from core.train.data import Sample

    device = student.loaded_base.device
    mixed = spec.changes_base and dtype == torch.bfloat16
    optimizer = torch.optim.AdamW(student.parameter_groups())
    vocabulary = student.loaded_base.model.config.vocab_size
    drawn = random.Random(spec.seed)
    seconds = []
    for step in range(STEPS):
        began = time.perf_counter()
        for at in range(0, spec.sequences, spec.micro_sequences):
            rows = [
                Sample(tuple(drawn.randrange(vocabulary) for _ in range(row_tokens)), 0)
                for _ in range(spec.micro_sequences)
            ]
            token_ids, read = student.batch(rows, step, at)
            with torch.autocast(device.type, dtype, enabled=mixed):
                outcome = student.distill(token_ids.to(device), read.to(device))
            outcome.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if device.type != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return seconds


def main() -> int:
    """Entry of the process."""
    from core.errors import KnownError

    try:
        sys.stdout.write(
            json.dumps(dataclasses.asdict(measure(Path(sys.argv[1]), int(sys.argv[2])))) + "\n"
        )
    except KnownError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
