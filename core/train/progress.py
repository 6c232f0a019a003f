"""How far a run is, from its events alone: what the run page and others show of it. No torch."""

from __future__ import annotations

import math
import re
import statistics
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.events import (
    CheckpointSaved,
    EvalDone,
    Notice,
    RunEnded,
    RunStarted,
    SampleDone,
    StepDone,
    StepsPlanned,
    ThresholdAdvised,
    TrainingEvent,
    WayCompared,
)
from core.train.spec import COMPARING_SHARE

RECENT_STEPS = 20
WRITTEN = re.compile(r"(\d+) of (\d+) written")
"""In the sentences about what the model writes."""
PHASES = {
    "load": "Loading the model",
    "data": "Reading the documents",
    "synthesis": "The model writes chats",
    "rows": "Preparing the rows",
    "probe": "Measuring a few steps",
    "resume": "Going on",
    "train": "Training",
    "pause": "Paused",
    "memory": "Training",
    "evaluate": "Looking at the held-out rows",
    "best": "Writing the adapter",
    "compare": "Comparing before and after",
    "error": "Failed",
}
AFTER_STEPS = ("evaluate", "best", "compare", "error")


@dataclass
class RunProgress:
    """The state of a run; `take` its events in order.

    Attributes:
        phase: A key of `PHASES`.
        message: The last sentence for the user.
        said: The last sentence of each phase, so that one that matters outlives what came after it.
        warnings: Sentences of notices whose phase is "warning", each once.
        compared: The ways of decoding, once the training is over.
        losses: (step, loss) of every step; `agreements` likewise, of the training batches.
        evaluations: Every held-out evaluation.
        samples: Held-out answers of every evaluation, oldest first.
    """

    phase: str = "load"
    message: str = ""
    said: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    total_steps: int = 0
    step: int = 0
    learning_rate: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    agreements: list[tuple[int, float]] = field(default_factory=list)
    evaluations: list[EvalDone] = field(default_factory=list)
    samples: list[SampleDone] = field(default_factory=list)
    compared: list[WayCompared] = field(default_factory=list)
    advice: ThresholdAdvised | None = None
    checkpoint: int = 0
    ended: RunEnded | None = None
    pid: int = 0
    _limit: float = math.inf
    _eval_every: int = 0
    _spent: float = 0.0
    _paused_in: str = "train"
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=RECENT_STEPS))

    def take(self, events: Iterable[TrainingEvent]) -> None:
        """Take in further events."""
        for event in events:
            self._take(event)

    def _take(self, event: TrainingEvent) -> None:  # noqa: C901  (a case an event)
        match event:
            case RunStarted():
                self._begin(event)
            case StepDone():
                self.phase, self.step = "train", event.step
                self.learning_rate = event.learning_rate
                self.losses.append((event.step, event.loss))
                self.agreements.append((event.step, event.agreement))
                self._recent.append((event.seconds, event.supervised))
                self._spent += event.seconds
            case StepsPlanned():
                self.total_steps = event.total_steps
            case EvalDone():
                self.evaluations.append(event)
                self._spent += event.seconds
            case SampleDone():
                self.samples.append(event)
            case CheckpointSaved():
                self.checkpoint = event.step
            case WayCompared():
                self.compared.append(event)
            case ThresholdAdvised():
                self.advice = event
            case Notice(phase="warning"):
                self.warnings = [*dict.fromkeys([*self.warnings, event.message])]
            case Notice():
                self._enter(event)
                self.message = self.said[event.phase] = event.message
            case RunEnded():
                self.ended = event

    def _enter(self, event: Notice) -> None:
        """Into the phase of a notice; behind a pause into the one that it held up."""
        if event.phase == "pause" and event.message != "Paused.":
            self.phase = self._paused_in
            return
        if event.phase == "pause":
            self._paused_in = self.phase
        self.phase = event.phase

    def _begin(self, event: RunStarted) -> None:
        self._spent *= event.first_step / max(1, self.step)  # what is done again is not spent yet
        self.total_steps, self.step = event.total_steps, event.first_step
        self.checkpoint = event.first_step
        self.ended, self.phase = None, "train"
        self.pid = int(str(event.machine.get("pid", 0)))
        self._limit = float(str(event.spec.get("minutes") or math.inf)) * 60
        self._eval_every = int(str(event.spec.get("eval_every", 0)))
        self.compared, self.advice = [], None
        # A first start may have halved its batch while it was probed; later ones begin anew.
        for phase in ("compare", "best", *(["memory"] if event.first_step else [])):
            self.said.pop(phase, None)
        self._recent.clear()
        self._forget_after(event.first_step)

    def _forget_after(self, step: int) -> None:
        """Steps behind the checkpoint that a resumed run starts from are done again."""
        self.losses = [one for one in self.losses if one[0] <= step]
        self.agreements = [one for one in self.agreements if one[0] <= step]
        self.evaluations = [one for one in self.evaluations if one.step <= step]
        self.samples = [one for one in self.samples if one.step <= step]

    @property
    def share(self) -> float:
        """Of its steps done, 0 to 1."""
        return self.step / self.total_steps if self.total_steps else 0.0

    @property
    def done(self) -> tuple[int, int]:
        """How many steps of how many, before them how much is written; (0, 0) if unknown."""
        if self.total_steps:
            return self.step, self.total_steps
        is_writing = self.phase in ("synthesis", "pause")
        found = WRITTEN.match(self.said.get("synthesis", "")) if is_writing else None
        return (int(found[1]), int(found[2])) if found else (0, 0)

    @property
    def seconds_left(self) -> float | None:
        """Until its end, by the pace of the newest steps; None before the first and behind them.

        A run of some minutes leaves a share of them to its comparison, and ends with them.
        """
        if not self._recent or self.ended is not None or self.phase in AFTER_STEPS:
            return None
        more = self.total_steps - self.step
        left = more * statistics.median(seconds for seconds, _ in self._recent)
        if self.evaluations and self._eval_every:
            left += math.ceil(more / self._eval_every) * self.evaluations[-1].seconds
        if math.isfinite(self._limit):
            left += COMPARING_SHARE * self._limit
        return min(left, max(self._limit - self._spent, 0))

    @property
    def slots_per_second(self) -> float | None:
        """Supervised slots a second over the newest steps."""
        seconds = sum(one for one, _ in self._recent)
        return sum(slots for _, slots in self._recent) / seconds if seconds else None
