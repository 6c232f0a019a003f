"""One optimizer step: micro-batches, gradients averaged over all slots, a schedule by the step.

When memory runs out the micro-batches are halved and the step is done again: the same rows with
the same slots, so the loss is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from core.errors import KnownError
from core.events import StepDone
from core.train.data import Sample, step_indices
from core.train.distill import Outcome
from core.train.memory import free_memory, is_out_of_memory, no_room_for_one
from core.train.sharding import (
    average_whole,
    clip_gradients,
    load_optimizer_state,
    optimizer_state,
)
from core.train.spec import TrainSpec
from core.train.student import Student


class Stepper:
    """Takes the steps of a run.

    Args:
        spec: What to train.
        student: What is trained.
        samples: The training rows.
        accelerator: Knows device, precision and ranks.
        say: Called with a sentence where the user should know of something.

    Attributes:
        supervised: Slots supervised so far, in all starts of the run.
        distill: The module that turns a batch into a loss, prepared for device and ranks.
    """

    def __init__(
        self,
        spec: TrainSpec,
        student: Student,
        samples: Sequence[Sample],
        accelerator: Accelerator,
        say: Callable[[str], None],
    ) -> None:
        self._spec, self._samples, self._say = spec, samples, say
        self._accelerator = accelerator
        self._micro_sequences = spec.micro_sequences
        self.supervised = 0
        self._student = student
        groups = student.parameter_groups()
        optimizer = torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.99))
        self._peaks = [group["lr"] for group in groups]
        if spec.shard:
            self.distill, self._optimizer = student.distill, accelerator.prepare(optimizer)
        else:
            self.distill, self._optimizer = accelerator.prepare(student.distill, optimizer)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps; of sharded weights all ranks must ask at the same time."""
        if self._spec.shard:
            optimizer = optimizer_state(self._student.loaded.model, self._optimizer.optimizer)
        else:
            optimizer = self._optimizer.state_dict()
        return {"optimizer": optimizer, "supervised": self.supervised}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        if self._spec.shard:
            model = self._student.loaded.model
            load_optimizer_state(model, self._optimizer.optimizer, state["optimizer"])
        else:
            self._optimizer.load_state_dict(state["optimizer"])
        self.supervised = int(state["supervised"])

    def take(self, step: int, total: int) -> StepDone:
        """Do one step, with smaller micro-batches if it must be.

        Raises:
            KnownError: if not even one row fits into memory.
        """
        began = time.monotonic()
        factor = self._set_learning_rate(step, total)
        outcomes = self._within_memory(lambda: self._accumulate(step))
        loss, agreeing, slots = self._over_ranks(outcomes)
        self.supervised += slots
        return StepDone(
            step=step + 1,
            loss=round(loss, 5),
            learning_rate=self._spec.learning_rate * factor,
            agreement=round(agreeing / max(1, slots), 4),
            supervised=slots,
            seconds=round(time.monotonic() - began, 4),
        )

    def probe(self, number: int) -> float:
        """Seconds of one step's work, its gradients thrown away."""
        began = time.monotonic()
        self._within_memory(lambda: self._gradients_only(number))
        return time.monotonic() - began

    def _gradients_only(self, number: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for batch in self._batches(number):
            outcomes.append(self._distilled(batch))
            self._accelerator.backward(outcomes[-1].loss)
        self._optimizer.zero_grad()
        return outcomes

    def _accumulate(self, step: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        batches = self._batches(step)
        self._accelerator.gradient_accumulation_steps = len(batches)
        self._accelerator.step = 0  # a step that ran out of memory has left its count there
        for batch in batches:
            with self._accelerator.accumulate(self.distill):
                outcome = self._distilled(batch)
                outcomes.append(outcome)
                # By its slots, so that every slot of the step weighs the same.
                self._accelerator.backward(outcome.loss * len(outcome.agrees))
                if self._accelerator.sync_gradients:
                    self._average_gradients(outcomes)
                self._optimizer.step()
                self._optimizer.zero_grad()
        return outcomes

    def _distilled(self, batch: tuple[Tensor, Any]) -> Outcome:
        # A prepared module does so itself; a sharded one is not prepared.
        with self._accelerator.autocast():
            outcome: Outcome = self.distill(*batch)
        return outcome

    def _within_memory(self, work: Callable[[], list[Outcome]]) -> list[Outcome]:
        while True:
            try:
                return work()
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).splitlines()[0]
            # Outside the handler: its traceback would keep the step's tensors alive. Accelerate's
            # own `zero_grad` does nothing within a step.
            self._optimizer.optimizer.zero_grad()
            free_memory()
            self._halve(reason)

    def _halve(self, reason: str) -> None:
        if self._accelerator.num_processes > 1:
            raise KnownError(
                f"Memory ran out on one of the ranks ({reason}).",
                "Give a smaller micro_sequences: ranks cannot each choose their own.",
            )
        if self._micro_sequences == 1:
            raise no_room_for_one(reason)
        self._micro_sequences //= 2
        self._say(
            f"Memory ran out: from now on {self._micro_sequences} rows at a time. The steps stay "
            "the same, only slower."
        )

    def _over_ranks(self, outcomes: Sequence[Outcome]) -> tuple[float, int, int]:
        """Mean loss, agreeing slots and all slots of a step, those of other ranks included."""
        slots = [len(one.agrees) for one in outcomes]
        losses = sum(float(one.loss.detach()) * len(one.agrees) for one in outcomes)
        agreeing = sum(int(one.agrees.sum()) for one in outcomes)
        own = torch.tensor([losses, agreeing, sum(slots)], dtype=torch.float64)
        if self._accelerator.num_processes > 1:
            own = self._accelerator.reduce(own.float().to(self._accelerator.device), "sum")
        loss, agreed, count = own.tolist()
        return loss / max(1.0, count), int(agreed), int(count)

    def _average_gradients(self, outcomes: Sequence[Outcome]) -> None:
        """Turn the accumulated sums into means over the step's slots, then clip them."""
        trained = [one for group in self._optimizer.param_groups for one in group["params"]]
        device = self._accelerator.device
        own = torch.tensor(float(sum(len(one.agrees) for one in outcomes)), device=device)
        slots = float(self._accelerator.reduce(own, "mean").clamp(min=1))
        if self._spec.shard:
            average_whole(trained, self._accelerator)
        for one in trained:
            if one.grad is not None:
                # Divided by the number of batches, and of ranks, it is already.
                one.grad.mul_(len(outcomes) / slots)
        if self._spec.shard:
            clip_gradients(trained, self._spec.clip)
        else:
            self._accelerator.clip_grad_norm_(trained, self._spec.clip)

    def _set_learning_rate(self, step: int, total: int) -> float:
        """Linear warm-up, then linear decay to zero; it depends on the step and on all steps."""
        warmup = min(self._spec.warmup_steps, max(1, total // 10))
        factor = min((step + 1) / warmup, (total - step) / max(1, total - warmup), 1.0)
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        return factor

    def _batches(self, step: int) -> Sequence[tuple[Tensor, Any]]:
        """The rows of a step that are this rank's, numbered as in the whole step."""
        spec, device = self._spec, self._accelerator.device
        chosen = step_indices(step, spec.sequences, len(self._samples), spec.seed)
        share = spec.sequences // self._accelerator.num_processes
        first = share * self._accelerator.process_index
        batches = []
        for at in range(first, first + share, self._micro_sequences):
            picked = [
                self._samples[i]
                for i in chosen[at : min(at + self._micro_sequences, first + share)]
            ]
            token_ids, read = self._student.batch(picked, step, at)
            batches.append((token_ids.to(device), read.to(device)))
        return batches
