"""A short measured look at a training: `python -m core.train.probe SPEC.json LONGEST USUAL`.

It loads what the training would load and does some steps on tokens drawn at random, first in rows
of the longest length, then of the usual one, and a part of an evaluation; it prints one JSON
object. In a process of its own, so that its memory is the training's and comes back whole.
"""

from __future__ import annotations

import dataclasses
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from core.model.adapter_info import Kind
from core.train.forecast import Measured

if TYPE_CHECKING:
    import torch

    from core.train.data import Sample
    from core.train.head_student import HeadsStudent
    from core.train.spec import TrainSpec
    from core.train.student import Student

GROWN: dict[Kind, float] = {"gated": 0.5, "heads": 0.25, "full": 0.1}
"""What a run on the CPU comes to hold beyond a probe, as a share of it, in gaps between tensors of
different sizes. Measured: after half an hour .44 to .60 with a gated adapter, .08 to .11 with all
weights; after a few minutes .09 with a gated adapter. For heads it is a guess."""
GROWN_AFTER = 30 * 60
"""Seconds."""
GROWN_AT_ONCE = 0.2
"""As a share of that."""

STEPS = 3
"""Of the longest rows, as many as a run probes itself."""
USUAL_STEPS = 2
WISH = "Tell me a long story about a river."
"""What the model answers to be timed."""


def measure(spec_file: Path, longest: int, usual: int) -> Measured:
    """Do steps of the spec on rows of these lengths, and a part of an evaluation."""
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
    began = time.perf_counter()
    student = load_student(spec, user_paths(), torch.device(device), dtype)
    with tempfile.TemporaryDirectory(prefix="stride-") as folder:
        student.prepare((), Path(folder))
        prober = _Prober(student, spec, dtype)
        for _ in range(STEPS):
            prober.step(longest)
        start_seconds = time.perf_counter() - began
        kept = sum(file.stat().st_size for file in Path(folder).iterdir())
        step_seconds = statistics.fmean(prober.step(usual) for _ in range(USUAL_STEPS))
        with prober.autocast():
            eval_seconds = _evaluation_seconds(student, spec, prober.rows(usual))
        peak = peak_memory(device)
        student.close()
    groups = student.parameter_groups()
    trained = sum(one.numel() for group in groups for one in group["params"])
    return Measured(
        step_seconds=step_seconds,
        peak_bytes=_grown(peak, spec, step_seconds) if device == "cpu" else peak,
        # In a checkpoint each of them is kept in float32, with the optimizer's two averages.
        trained_bytes=trained * 12,
        device=device,
        room_bytes=room_bytes,
        kept_bytes=kept // (STEPS * spec.sequences * longest),
        start_seconds=start_seconds,
        eval_seconds=eval_seconds,
    )


def _grown(peak: int, spec: TrainSpec, step_seconds: float) -> int:
    """What a run comes to hold, by what a probe did."""
    seconds = spec.minutes * 60 if spec.minutes else (spec.steps or 0) * step_seconds
    share = GROWN_AT_ONCE + (1 - GROWN_AT_ONCE) * min(1.0, seconds / GROWN_AFTER)
    return round(peak * (1 + GROWN[spec.kind] * share))


class _Prober:
    """Takes steps on drawn rows.

    These are none of the model's own, so all ask the teacher: a little longer than real ones.
    """

    def __init__(self, student: Student, spec: TrainSpec, dtype: torch.dtype) -> None:
        import torch

        self._student, self._spec, self._dtype = student, spec, dtype
        self._optimizer = torch.optim.AdamW(student.parameter_groups())
        self._drawn = random.Random(spec.seed)
        self._step = 0

    def rows(self, tokens: int) -> list[Sample]:
        """As many as a forward call has."""
        from core.train.data import Sample

        vocabulary = self._student.loaded_base.model.config.vocab_size
        return [
            Sample(tuple(self._drawn.randrange(vocabulary) for _ in range(tokens)), 0)
            for _ in range(self._spec.micro_sequences)
        ]

    def autocast(self) -> torch.autocast:
        """The precision that a training of the base model's weights computes in."""
        import torch

        mixed = self._spec.changes_base and self._dtype == torch.bfloat16
        device = self._student.loaded_base.device.type
        return torch.autocast(device, self._dtype, enabled=mixed)

    def step(self, tokens: int) -> float:
        """Seconds of one step on rows of a length."""
        import torch

        spec, device = self._spec, self._student.loaded_base.device
        began = time.perf_counter()
        for at in range(0, spec.sequences, spec.micro_sequences):
            token_ids, read = self._student.batch(self.rows(tokens), self._step, at)
            with self.autocast():
                outcome = self._student.distill(token_ids.to(device), read.to(device))
            outcome.loss.backward()
        self._optimizer.step()
        self._optimizer.zero_grad()
        if device.type != "cpu":
            torch.cuda.synchronize()
        self._step += 1
        return time.perf_counter() - began


def _evaluation_seconds(student: Student, spec: TrainSpec, samples: Sequence[Sample]) -> float:
    """Of one evaluation, by a few of its rows and one of its answers."""
    from core.train.evaluation import DECODED_ROWS, SHOWN, evaluate

    if spec.kind == "heads":
        from core.train.head_evaluation import evaluate_heads

        judged, answers = evaluate_heads(0, cast("HeadsStudent", student), samples, spec), SHOWN
    else:
        judged, answers = evaluate(0, student, (), samples, spec)[0], DECODED_ROWS
    answers = min(spec.eval_rows, answers)
    return judged.seconds * spec.eval_rows / len(samples) + answers * _answer_seconds(student, spec)


def _answer_seconds(student: Student, spec: TrainSpec) -> float:
    """Of an answer as long as those of an evaluation."""
    from core.documents.records import Row
    from core.engine.session import Session
    from core.train.evaluation import ANSWER_TOKENS, decode_rows

    session = Session(student.loaded, Path(spec.model), None)
    rows = [Row(text=WISH)]
    began = time.perf_counter()
    if spec.kind == "heads":
        decoded = decode_rows(session, rows, "heads", 0.0)
    else:
        decoded = decode_rows(session, rows)
    tokens = sum(len(one.token_ids) for _, passes in decoded for one in passes)
    return (time.perf_counter() - began) * ANSWER_TOKENS / max(1, tokens)


def main() -> int:
    """Entry of the process."""
    from core.errors import KnownError

    try:
        found = measure(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
        sys.stdout.write(json.dumps(dataclasses.asdict(found)) + "\n")
    except KnownError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
