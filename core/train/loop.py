"""The training loop: rows in, events and checkpoints out; it stops and resumes at any step."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import Accelerator, InitProcessGroupKwargs

from core.device import choose_device, machine_record
from core.documents.records import Row
from core.engine.session import Session, choose_dtype
from core.errors import Cancelled, KnownError
from core.events import CheckpointSaved, EvalDone, RunStarted, SampleDone
from core.model.adapter_info import adapter_name
from core.paths import Paths
from core.train.afterwards import compare_afterwards
from core.train.checkpoint import (
    best_evaluation,
    load_best,
    load_checkpoint,
    newest_checkpoint,
    rank_of,
    save_best,
    save_checkpoint,
)
from core.train.data import Sample, split_rows, to_samples
from core.train.evaluation import evaluate
from core.train.reporter import Reporter
from core.train.rows import gather_rows, new_writer
from core.train.spec import COMPARING_SHARE, TrainSpec
from core.train.step import Stepper
from core.train.student import copied, describe, end_ids, load_student, with_weights
from core.train.synthesis import Writer
from core.train.wishes import Wishes

PLAN_FILE = "plan.json"
PROBE_STEPS = 3
LONGEST_WAIT = timedelta(days=1)


class Training:
    """One run: built from its spec, then `run()`.

    Args:
        spec: What to train.
        run_dir: The run's folder; a checkpoint in it is gone on from.
        paths: The user's folders.
        wishes: Read after each step: to stop with a checkpoint, or to wait.
    """

    def __init__(self, spec: TrainSpec, run_dir: Path, paths: Paths, wishes: Wishes) -> None:
        self._began = time.monotonic()
        self._spec, self._run_dir, self._paths = spec, run_dir, paths
        self._wishes = wishes
        name = choose_device(spec.device)
        dtype = choose_dtype(spec.dtype, name)
        mixed = spec.kind == "full" and dtype == torch.bfloat16
        if name.startswith("cuda") and spec.processes == 1:
            torch.cuda.set_device(name)  # Accelerate takes the current one
        self._accelerator = Accelerator(
            cpu=name == "cpu",
            mixed_precision="bf16" if mixed else "no",
            # The first rank writes the rows while the others wait.
            kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)],
        )
        self._device = self._accelerator.device
        self._report = Reporter(run_dir, self._accelerator.is_main_process)
        self._report.say("load", f"Loading {Path(spec.model).name} on {self._device}.")
        self._student = load_student(spec, paths, self._device, dtype)
        goes_on = spec.start_from != "none"
        self._start = copied(self._student.weights()) if goes_on else {}
        self._seconds_before = 0.0
        self._last_eval: EvalDone | None = None
        self._best = best_evaluation(run_dir)

    @property
    def report(self) -> Reporter:
        """Where the run's events go."""
        return self._report

    @property
    def device(self) -> str:
        """What it computes on."""
        return str(self._device)

    def run(self) -> tuple[bool, int, int]:
        """Train to the end or until a stop is asked for.

        Returns:
            Whether it came to its end, the steps done, the supervised slots of all starts.

        Raises:
            KnownError: bad data, full disk, missing files.
        """
        self._prepare_rows()
        self._stepper = Stepper(
            self._spec,
            self._student,
            self._samples,
            self._accelerator,
            lambda sentence: self._report.say("memory", sentence),
        )
        first = self._resume()
        total, evaluated = self._plan()
        self._start_event(first, total)
        for event in evaluated:
            self._report(event)
        step = first
        while step < total and not self._stops():
            self._report(self._stepper.take(step, total))
            step += 1
            if step % self._spec.eval_every == 0 and step < total:
                self._report_evaluation(step)
            if step % self._spec.save_every == 0 or step == total:
                self._save(step)
            self._wishes.wait_while_paused(lambda word: self._report.say("pause", word))
        if step < total:
            self._save(step)
        self._report_evaluation(step)
        return step == total, step, self._stepper.supervised

    def _stops(self) -> bool:
        """Whether any rank was asked to stop: all must leave at the same step."""
        asked = self._wishes.stop()
        if self._accelerator.num_processes == 1:
            return asked
        votes = torch.tensor(float(asked), device=self._device)
        return float(self._accelerator.reduce(votes, "sum")) > 0

    @property
    def seconds(self) -> float:
        """Time of all starts of the run together, without pauses."""
        here = time.monotonic() - self._began - self._wishes.paused_seconds
        return self._seconds_before + here

    def write_adapter(self, step: int) -> Path:
        """Write the adapter as it now is, or as it was best if that was asked for.

        Returns:
            The spec's `out` folder.
        """
        folder = Path(self._spec.out)
        if not self._accelerator.is_main_process:
            return folder
        last = self._last_eval
        if self._wishes.keeps_best() and self._best is not None:
            self._student.load_weights(load_best(self._run_dir))
            last, step = self._best, self._best.step
            self._report.say("best", f"The adapter is that of step {step}, the best so far.")
        training = {
            "rows": len(self._samples),
            "steps": step,
            "seconds": round(self.seconds),
            "supervised_slots": self._stepper.supervised,
            "learning_rate": self._spec.learning_rate,
            "seed": self._spec.seed,
            "started_from": adapter_name(Path(self._spec.start_from)),
            "held_out": dataclasses.asdict(last) if last else {},
            "machine": machine_record(),
        }
        tokenizer = self._student.loaded.tokenizer
        self._student.save(folder, describe(self._spec, self._paths, tokenizer, training))
        return folder

    def compare(self) -> None:
        """Report what the adapter is worth on the held-out rows."""
        if self._accelerator.is_main_process:
            stop = self._wishes.stop
            loaded = self._student.loaded
            compare_afterwards(
                loaded,
                self._held_rows,
                self._spec,
                self._report,
                stop,
                lambda: with_weights(self._student, self._start),
            )

    def _prepare_rows(self) -> None:
        loaded, spec = self._student.loaded, self._spec
        ends = end_ids(loaded.model, loaded.tokenizer)
        writer = new_writer(loaded, ends, self._paths, spec.model)
        rows = self._rows_of_all_ranks(writer)
        samples = {row: self._cut(row, ends[0]) for row in rows}
        usable = [row for row in rows if samples[row]]
        if len(usable) < len(rows):
            left_out = len(rows) - len(usable)
            self._report.say(
                "rows", f"{left_out} rows are left out: nothing to learn from in them."
            )
        if not usable:
            raise KnownError(
                "No row has an answer to learn from within the context.",
                "Give longer texts, or a larger context.",
            )
        train_rows, self._held_rows = split_rows(usable, spec.eval_rows, spec.seed)
        self._samples = [sample for row in train_rows for sample in samples[row]]
        self._held_samples = [sample for row in self._held_rows for sample in samples[row]]
        self._report.say(
            "rows", f"{len(self._samples)} training rows, {len(self._held_samples)} held out."
        )

    def _rows_of_all_ranks(self, writer: Writer) -> list[Row]:
        """The first rank gathers the rows, then the others read them.

        Raises:
            Cancelled: on all ranks, if a stop came meanwhile.
        """
        rows: list[Row] = []
        with self._accelerator.main_process_first(), suppress(Cancelled):
            rows = gather_rows(self._run_dir, self._spec, writer, self._report, self._wishes.stop)
        if not rows:
            raise Cancelled
        return rows

    def _cut(self, row: Row, end_id: int) -> list[Sample]:
        try:
            return to_samples(row, self._student.loaded.tokenizer, end_id, self._spec.context)
        except KnownError:
            return []  # the model's template refuses this chat

    def _resume(self) -> int:
        found = newest_checkpoint(self._run_dir)
        if found is None:
            return 0
        step, folder = found
        weights, state = load_checkpoint(folder)
        self._student.load_weights(weights)
        self._stepper.load_state(state)
        self._seconds_before = float(state["seconds"])
        self._report.say("resume", f"Going on after step {step}.")
        return step

    def _plan(self) -> tuple[int, list[EvalDone | SampleDone]]:
        """Total steps: the spec's, or fixed once by a probe and stored beside it.

        Returns:
            The steps, and what the probe's evaluation of the untrained adapter found.
        """
        if self._spec.steps is not None:
            return self._spec.steps, []
        stored = self._run_dir / PLAN_FILE
        if stored.is_file():
            return int(json.loads(stored.read_text())["steps"]), []
        self._report.say("probe", "Measuring how long a step takes.")
        step_seconds = statistics.median(self._stepper.probe(n) for n in range(PROBE_STEPS))
        evaluated = self._evaluate(0)
        eval_seconds = self._last_eval.seconds if self._last_eval else 0.0
        assert self._spec.minutes is not None
        allowed = self._spec.minutes * 60 * (1 - COMPARING_SHARE)
        left = allowed - (time.monotonic() - self._began) - eval_seconds
        steps = max(1, int(left / (step_seconds + eval_seconds / self._spec.eval_every)))
        if self._accelerator.is_main_process:
            stored.write_text(json.dumps({"steps": steps, "seconds_per_step": step_seconds}))
        self._accelerator.wait_for_everyone()
        return int(json.loads(stored.read_text())["steps"]), evaluated

    def _start_event(self, first: int, total: int) -> None:
        machine = {**machine_record(), "pid": os.getpid(), "host": platform.node()}
        spec = dataclasses.asdict(self._spec)
        run_id = self._run_dir.name
        self._report(RunStarted(run_id, spec, total, first, machine, time.time()))

    def _report_evaluation(self, step: int) -> None:
        if self._last_eval is not None and self._last_eval.step == step:
            return
        for event in self._evaluate(step):
            self._report(event)
        self._keep_if_best()

    def _keep_if_best(self) -> None:
        found = self._last_eval
        if found is None or (self._best is not None and rank_of(found) <= rank_of(self._best)):
            return
        self._best = found
        save_best(self._run_dir, found, self._student.weights())

    def _evaluate(self, step: int) -> list[EvalDone | SampleDone]:
        if not self._held_rows or not self._accelerator.is_main_process:
            return []
        session = Session(self._student.loaded, Path(self._spec.model), None)
        done, samples = evaluate(
            step, session, self._student.distill, self._held_rows, self._held_samples, self._spec
        )
        self._last_eval = done
        return [done, *samples]

    def _save(self, step: int) -> None:
        if not self._accelerator.is_main_process:
            return
        state = {**self._stepper.state(), "seconds": self.seconds}
        keep = self._spec.keep_checkpoints
        folder = save_checkpoint(self._run_dir, step, self._student.weights(), state, keep)
        self._report(CheckpointSaved(step, str(folder)))
