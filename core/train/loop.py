"""The training loop: rows in, events and checkpoints out; it stops and resumes at any step."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from core.device import choose_device, machine_record
from core.documents.records import Row
from core.engine.session import Session, choose_dtype
from core.errors import KnownError
from core.events import CheckpointSaved, EvalDone, RunStarted, SampleDone, StepDone
from core.model.adapter_info import adapter_name
from core.paths import Paths
from core.train.checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint
from core.train.data import Sample, make_batch, split_rows, step_indices, to_samples
from core.train.distill import Outcome
from core.train.evaluation import evaluate
from core.train.reporter import Reporter
from core.train.rows import gather_rows, new_writer
from core.train.spec import TrainSpec
from core.train.student import describe, end_ids, load_student

PLAN_FILE = "plan.json"
PROBE_STEPS = 3


class Training:
    """One run: built from its spec, then `run()`.

    Args:
        spec: What to train.
        run_dir: The run's folder; a checkpoint in it is gone on from.
        paths: The user's folders.
        stop_asked: Read after each step; True ends the run with a checkpoint.
    """

    def __init__(
        self, spec: TrainSpec, run_dir: Path, paths: Paths, stop_asked: Callable[[], bool]
    ) -> None:
        self._began = time.monotonic()
        self._spec, self._run_dir, self._paths = spec, run_dir, paths
        self._stop_asked = stop_asked
        name = choose_device(spec.device)
        dtype = choose_dtype(spec.dtype, name)
        mixed = spec.kind == "full" and dtype == torch.bfloat16
        self._accelerator = Accelerator(
            cpu=name == "cpu",
            mixed_precision="bf16" if mixed else "no",
            gradient_accumulation_steps=spec.sequences // spec.micro_sequences,
        )
        self._device = self._accelerator.device
        self._report = Reporter(run_dir, self._accelerator.is_main_process)
        self._report.say("load", f"Loading {Path(spec.model).name} on {self._device}.")
        self._student = load_student(spec, paths, self._device, dtype)
        self._supervised, self._seconds_before = 0, 0.0
        self._last_eval: EvalDone | None = None

    @property
    def report(self) -> Reporter:
        """Where the run's events go."""
        return self._report

    def run(self) -> tuple[bool, int, int]:
        """Train to the end or until a stop is asked for.

        Returns:
            Whether it came to its end, the steps done, the supervised slots of all starts.

        Raises:
            KnownError: bad data, full disk, missing files.
        """
        self._prepare_rows()
        self._prepare_optimizer()
        first = self._resume()
        total, evaluated = self._plan()
        self._start_event(first, total)
        for event in evaluated:
            self._report(event)
        step = first
        while step < total and not self._stop_asked():
            self._report(self._train_step(step, total))
            step += 1
            if step % self._spec.eval_every == 0 and step < total:
                self._report_evaluation(step)
            if step % self._spec.save_every == 0 or step == total:
                self._save(step)
        if step < total:
            self._save(step)
        self._report_evaluation(step)
        return step == total, step, self._supervised

    @property
    def seconds(self) -> float:
        """Time of all starts of the run together."""
        return self._seconds_before + time.monotonic() - self._began

    def write_adapter(self, step: int) -> Path:
        """Write the adapter as it now is to the spec's `out` folder."""
        last = self._last_eval
        training = {
            "rows": len(self._samples),
            "steps": step,
            "seconds": round(self.seconds),
            "supervised_slots": self._supervised,
            "learning_rate": self._spec.learning_rate,
            "seed": self._spec.seed,
            "started_from": adapter_name(Path(self._spec.start_from)),
            "held_out": dataclasses.asdict(last) if last else {},
            "machine": machine_record(),
        }
        folder = Path(self._spec.out)
        tokenizer = self._student.loaded.tokenizer
        self._student.save(folder, describe(self._spec, self._paths, tokenizer, training))
        return folder

    def _prepare_rows(self) -> None:
        loaded, spec = self._student.loaded, self._spec
        ends = end_ids(loaded.model, loaded.tokenizer)
        writer = new_writer(loaded, ends, self._paths, spec.model)
        rows = gather_rows(self._run_dir, spec, writer, self._report, self._stop_asked)
        cut = self._cutter(ends[0])
        samples = {row: cut(row) for row in rows}
        usable = [row for row in rows if samples[row]]
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

    def _cutter(self, end_id: int) -> Callable[[Row], list[Sample]]:
        tokenizer, context = self._student.loaded.tokenizer, self._spec.context
        return lambda row: to_samples(row, tokenizer, end_id, context)

    def _prepare_optimizer(self) -> None:
        groups = self._student.parameter_groups()
        optimizer = torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.99))
        self._peaks = [group["lr"] for group in groups]
        self._distill, self._optimizer = self._accelerator.prepare(self._student.distill, optimizer)

    def _resume(self) -> int:
        found = newest_checkpoint(self._run_dir)
        if found is None:
            return 0
        step, folder = found
        weights, state = load_checkpoint(folder)
        self._student.load_weights(weights)
        self._optimizer.load_state_dict(state["optimizer"])
        self._supervised, self._seconds_before = int(state["supervised"]), float(state["seconds"])
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
        step_seconds = statistics.median(self._probe(n) for n in range(PROBE_STEPS))
        evaluated = self._evaluate(0)
        eval_seconds = self._last_eval.seconds if self._last_eval else 0.0
        assert self._spec.minutes is not None
        left = self._spec.minutes * 60 - (time.monotonic() - self._began) - eval_seconds
        steps = max(1, int(left / (step_seconds + eval_seconds / self._spec.eval_every)))
        stored.write_text(json.dumps({"steps": steps, "seconds_per_step": step_seconds}) + "\n")
        return steps, evaluated

    def _probe(self, number: int) -> float:
        """Seconds of one step's work, its gradients thrown away."""
        began = time.monotonic()
        for batch in self._batches(number):
            self._accelerator.backward(self._distill(*batch).loss)
        self._optimizer.zero_grad()
        return time.monotonic() - began

    def _start_event(self, first: int, total: int) -> None:
        machine = {**machine_record(), "pid": os.getpid(), "host": platform.node()}
        spec = dataclasses.asdict(self._spec)
        run_id = self._run_dir.name
        self._report(RunStarted(run_id, spec, total, first, machine, time.time()))

    def _train_step(self, step: int, total: int) -> StepDone:
        began = time.monotonic()
        factor = self._set_learning_rate(step, total)
        outcomes: list[Outcome] = []
        for batch in self._batches(step):
            with self._accelerator.accumulate(self._distill):
                outcome: Outcome = self._distill(*batch)
                outcomes.append(outcome)
                # By its slots, so that every slot of the step weighs the same.
                self._accelerator.backward(outcome.loss * len(outcome.agrees))
                if self._accelerator.sync_gradients:
                    self._average_gradients(outcomes)
                self._optimizer.step()
                self._optimizer.zero_grad()
        agrees = torch.cat([one.agrees for one in outcomes])
        loss = sum(one.loss.detach() * len(one.agrees) for one in outcomes) / max(1, len(agrees))
        self._supervised += len(agrees)
        return StepDone(
            step=step + 1,
            loss=round(float(loss), 5),
            learning_rate=self._spec.learning_rate * factor,
            agreement=round(float(agrees.float().sum()) / max(1, len(agrees)), 4),
            supervised=len(agrees),
            seconds=round(time.monotonic() - began, 4),
        )

    def _average_gradients(self, outcomes: Sequence[Outcome]) -> None:
        """Turn the accumulated sums into means over the step's slots, then clip them."""
        trained = [one for group in self._optimizer.param_groups for one in group["params"]]
        own = torch.tensor(float(sum(len(one.agrees) for one in outcomes)), device=self._device)
        slots = self._accelerator.reduce(own, "mean").clamp(min=1)
        for one in trained:
            if one.grad is not None:
                # Divided by the number of batches, and of ranks, it is already.
                one.grad.mul_(len(outcomes) / slots)
        self._accelerator.clip_grad_norm_(trained, self._spec.clip)

    def _set_learning_rate(self, step: int, total: int) -> float:
        """Linear warm-up, then linear decay to zero; it depends on the step alone."""
        warmup = min(self._spec.warmup_steps, max(1, total // 10))
        factor = min((step + 1) / warmup, (total - step) / max(1, total - warmup), 1.0)
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        return factor

    def _batches(self, step: int) -> Sequence[tuple[Tensor, Any]]:
        spec = self._spec
        chosen = step_indices(step, spec.sequences, len(self._samples), spec.seed)
        batches = []
        for at in range(0, spec.sequences, spec.micro_sequences):
            picked = [self._samples[i] for i in chosen[at : at + spec.micro_sequences]]
            token_ids, layout = make_batch(picked, spec, step, at)
            batches.append((token_ids.to(self._device), layout.to(self._device)))
        return batches

    def _report_evaluation(self, step: int) -> None:
        for event in self._evaluate(step):
            self._report(event)

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
        state = {
            "optimizer": self._optimizer.state_dict(),
            "supervised": self._supervised,
            "seconds": self.seconds,
        }
        keep = self._spec.keep_checkpoints
        folder = save_checkpoint(self._run_dir, step, self._student.weights(), state, keep)
        self._report(CheckpointSaved(step, str(folder)))
