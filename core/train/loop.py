"""The training loop: rows in, events and checkpoints out; it stops and resumes at any step."""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator, InitProcessGroupKwargs

from core.device import choose_device, machine_record
from core.documents.records import Row
from core.engine.session import choose_dtype
from core.errors import Cancelled, KnownError
from core.events import EvalDone, RunStarted, SampleDone, StepsPlanned
from core.model.adapter_info import adapter_name
from core.paths import Paths
from core.train.afterwards import compare_afterwards
from core.train.checkpoint import (
    Checkpoint,
    load_best,
    load_checkpoint,
    load_newest,
)
from core.train.data import nearly_repeated, split_rows, usable_samples
from core.train.full_student import FullStudent
from core.train.held_out import HeldOut
from core.train.reporter import Reporter
from core.train.rows import gather_rows, new_writer
from core.train.saver import Saver
from core.train.sharding import any_rank, of_first_rank
from core.train.spec import TrainSpec
from core.train.step import Stepper
from core.train.step_count import StepCount
from core.train.student import copied, describe, end_ids, load_student
from core.train.synthesis import Writer
from core.train.wishes import Wishes
from core.wording import many

PROBE_STEPS = 3
LONGEST_WAIT = timedelta(days=1)


class Training:
    """One run: built from its spec, then `run()`.

    Args:
        spec: What to train.
        run_dir: The run's folder; a checkpoint in it is gone on from.
        paths: The user's folders.
        wishes: Read after each step: to stop with a checkpoint, or to wait.

    Attributes:
        step: How many steps are done, in all starts of the run.
        supervised: Slots that these supervised.
    """

    def __init__(self, spec: TrainSpec, run_dir: Path, paths: Paths, wishes: Wishes) -> None:
        self._wishes, self._began = wishes, wishes.now()
        self._spec, self._run_dir, self._paths = spec, run_dir, paths
        name = choose_device(spec.device)
        self._dtype = choose_dtype(spec.dtype, name)
        mixed = spec.changes_base and self._dtype == torch.bfloat16
        if name.startswith("cuda") and spec.processes == 1:
            torch.cuda.set_device(name)  # Accelerate takes the current one
        self._accelerator = Accelerator(
            cpu=name == "cpu",
            mixed_precision="bf16" if mixed else "no",
            # The first rank writes the rows while the others wait.
            kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)],
        )
        ranks = self._accelerator.num_processes
        if ranks != spec.processes:
            raise KnownError(
                f"The training is meant for {spec.processes} processes, but {ranks} were started."
            )
        self._device = self._accelerator.device
        self._report = Reporter(run_dir, self._accelerator.is_main_process)
        self._report.say("load", f"Loading {Path(spec.model).name} on {self._device}.")
        self._student = load_student(spec, paths, self._device, self._dtype)
        # Only gated adapters are compared with what they started from.
        goes_on = spec.kind == "gated" and spec.start_from != "none"
        self._start = copied(self._student.weights()) if goes_on else {}
        self._seconds_before = 0.0
        self.step, self.supervised = 0, 0
        self._saver = Saver(run_dir, spec, self._accelerator, self._report)
        self._count = StepCount(spec, run_dir, self._accelerator)

    @property
    def report(self) -> Reporter:
        """Where the run's events go."""
        return self._report

    @property
    def device(self) -> str:
        """What it computes on."""
        return str(self._device)

    def run(self) -> bool:
        """Train to the end or until a stop is asked for; whether it came to its end.

        Raises:
            KnownError: bad data, full disk, missing files.
        """
        try:
            return self._run()
        finally:
            self._student.close()

    def _run(self) -> bool:
        self._prepare_rows()
        if isinstance(self._student, FullStudent) and self._spec.shard:
            self._student.shard(self._device)
        self._stepper = Stepper(
            self._spec,
            self._student,
            self._samples,
            self._accelerator,
            partial(self._report.say, "memory"),
        )
        self._resume()
        count = self._count
        evaluated = self._probe()
        self._start_event(count.total)
        for event in evaluated:
            self._report(event)
        while self.step < count.total and not self._stops():
            self._take_step()
            self._wishes.wait_while_paused(partial(self._report.say, "pause"))
        if self.step < count.total:
            self._save()
        if not any_rank(self._accelerator, self._wishes.is_urgent):
            self._report.say("evaluate", "A last look at the held-out rows.")
            self._report_evaluation()
        self._held_out.write_prompts()
        return self.step == count.total

    def _take_step(self) -> None:
        """One step, and what is due behind it."""
        spec, count = self._spec, self._count
        done = self._stepper.take(self.step, count.total)
        self.step, self.supervised = self.step + 1, self._stepper.supervised
        self._report(done)
        if count.follow(self.step, self.seconds, done.seconds, self._held_out.last_seconds):
            self._report(StepsPlanned(self.step, count.total))
        if self.step % spec.eval_every == 0 and self.step < count.total:
            self._report_evaluation()
        if self._saver.is_due(self.step) or self.step == count.total:
            self._save()

    def _stops(self) -> bool:
        """Whether any rank was asked to stop: all must leave at the same step."""
        return any_rank(self._accelerator, self._wishes.stop())

    @property
    def seconds(self) -> float:
        """Time of all starts of the run together, without pauses."""
        return self._seconds_before + self._wishes.now() - self._began

    def write_adapter(self) -> Path:
        """Write the adapter as it now is, or as it was best if that was asked for.

        Returns:
            The spec's `out` folder.
        """
        folder, held_out = Path(self._spec.out), self._held_out
        last, step = held_out.last, self.step
        keeps_best = any_rank(self._accelerator, self._wishes.keeps_best())
        self._accelerator.wait_for_everyone()  # the first rank may still be writing the best
        if keeps_best and held_out.best is not None:
            self._student.load_weights(load_best(self._run_dir))
            last, step = held_out.best, held_out.best.step
            self._report.say("best", f"The adapter is that of step {step}, the best so far.")
        weights = self._student.weights()
        if not self._accelerator.is_main_process:
            return folder
        training = {
            "rows": len(self._samples),
            "steps": step,
            "seconds": round(self.seconds),
            "supervised_slots": self.supervised,
            "learning_rate": self._spec.learning_rate,
            "seed": self._spec.seed,
            "started_from": adapter_name(Path(self._spec.start_from)),
            "held_out": dataclasses.asdict(last) if last else {},
            "machine": machine_record(),
        }
        tokenizer = self._student.loaded_base.tokenizer
        info = describe(self._spec, self._paths, tokenizer, training)
        self._student.save(folder, info, weights)
        return folder

    def compare(self) -> None:
        """Report what the adapter is worth on the held-out rows; of sharded ranks all take part."""
        if not self._accelerator.is_main_process and not self._spec.shard:
            return
        if not self._spec.shard:
            self._student.cast(self._dtype)
        compare_afterwards(
            self._student,
            self._start,
            self._held_out.rows,
            self._spec,
            self._report,
            self._may_go_on,
        )

    def _may_go_on(self, deadline: float) -> bool:
        """Whether a comparison goes on; sharded ranks must leave it together."""
        is_over = self._wishes.stop() or time.monotonic() > deadline
        return not (any_rank(self._accelerator, is_over) if self._spec.shard else is_over)

    def _prepare_rows(self) -> None:
        loaded, spec = self._student.loaded, self._spec
        ends = end_ids(loaded.model, loaded.tokenizer)
        writer = new_writer(loaded, ends, self._paths, spec, self._report.warn)
        rows = self._rows_of_all_ranks(writer)
        tokenizer = self._student.loaded_base.tokenizer
        samples = usable_samples(rows, tokenizer, ends[0], spec.context)
        train_rows, held_rows = split_rows(list(samples), spec.eval_rows, spec.seed)
        self._samples = [sample for row in train_rows for sample in samples[row]]
        held_samples = [sample for row in held_rows for sample in samples[row]]
        self._student.prepare(self._samples, self._run_dir)
        self._held_out = HeldOut(
            held_rows,
            held_samples,
            spec,
            self._run_dir,
            self._student,
            self._accelerator,
            self._report.warn,
        )
        told = f"{many(len(self._samples), 'training row')}, {len(held_samples):,} held out."
        if left_out := sum(row not in samples for row in rows):
            told += f" {many(left_out, 'row')} left out: nothing to learn from."
        is_first = self._accelerator.is_main_process
        if near := nearly_repeated(held_rows, train_rows) if is_first else 0:
            told += f" Training rows nearly repeat {near} of those held out: others may do worse."
        self._report.say("rows", told)

    def _rows_of_all_ranks(self, writer: Writer) -> list[Row]:
        """The first rank gathers the rows, then the others read them.

        Raises:
            Cancelled: on all ranks, if a stop came meanwhile.
        """
        rows: list[Row] = []
        with self._accelerator.main_process_first(), suppress(Cancelled):
            rows = gather_rows(self._run_dir, self._spec, writer, self._report, self._wishes)
        if any_rank(self._accelerator, not rows):
            raise Cancelled
        return rows

    def _newest_checkpoint(self) -> Checkpoint | None:
        """The newest one that the first rank can read; all go on from there."""
        first = self._accelerator.is_main_process
        found = load_newest(self._run_dir, self._report.warn) if first else None
        step = of_first_rank(self._accelerator, found[0] if found else -1)
        return found if first or step < 0 else load_checkpoint(self._run_dir, step)

    def _resume(self) -> None:
        found = self._newest_checkpoint()
        if found is None:
            return
        self.step, weights, state = found
        self._student.load_weights(weights)
        self._stepper.load_state(state)
        self.supervised = self._stepper.supervised
        self._seconds_before = float(state["seconds"])
        self._report.say("resume", f"Going on after step {self.step}.")

    def _probe(self) -> list[EvalDone | SampleDone]:
        """Fix the steps of a run of some minutes that has none yet.

        Returns:
            What the evaluation of the untrained adapter found, which is part of it.
        """
        if self._count.total:
            return []
        self._report.say("probe", "Measuring how long a step takes.")
        step_seconds = statistics.median(self._stepper.probe(n) for n in range(PROBE_STEPS))
        evaluated = self._held_out.look(0)
        self._count.fix(0, self.seconds, step_seconds, self._held_out.last_seconds)
        return evaluated

    def _start_event(self, total: int) -> None:
        machine = {**machine_record(), "pid": os.getpid(), "host": platform.node()}
        spec = dataclasses.asdict(self._spec)
        run_id = self._run_dir.name
        self._report(RunStarted(run_id, spec, total, self.step, machine, time.time()))

    def _report_evaluation(self) -> None:
        for event in self._held_out.look(self.step):
            self._report(event)

    def _save(self) -> None:
        # Of sharded weights each rank has a share, so all take part.
        weights = self._student.weights()
        state = {**self._stepper.state(), "seconds": self.seconds}
        self._saver.save(self.step, weights, state)
