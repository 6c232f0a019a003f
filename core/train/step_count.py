"""How many steps a run has: as many as its spec says, or as its minutes allow."""

from __future__ import annotations

import json
import statistics
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import KnownError
from core.train.durable import put_in_place
from core.train.sharding import of_first_rank
from core.train.spec import COMPARING_SHARE, TrainSpec

if TYPE_CHECKING:
    from accelerate import Accelerator

PLAN_FILE = "plan.json"
STEPS_BETWEEN = 20
"""After so many steps they are counted anew: other work on the machine comes and goes."""
SHARE_BETWEEN = 0.05
"""Likewise after such a part of the minutes: on a slow machine 20 steps may be all there are."""
RECENT_STEPS = 50


class StepCount:
    """The steps of a run; kept in its folder, so that a resumed run goes on with them.

    Args:
        spec: The training.
        run_dir: The run's folder.
        accelerator: Knows the ranks, which all go by the first one's clock.

    Attributes:
        total: Steps in all; 0 while a run of some minutes has not been probed.
    """

    def __init__(self, spec: TrainSpec, run_dir: Path, accelerator: Accelerator) -> None:
        self._spec, self._accelerator = spec, accelerator
        self._file = run_dir / PLAN_FILE
        self._recent: deque[float] = deque(maxlen=RECENT_STEPS)
        self._since, self._since_seconds = 0, 0.0
        self.total = spec.steps or self._stored()

    def fix(self, done: int, seconds: float, step_seconds: float, eval_seconds: float) -> None:
        """Count the steps of a run of some minutes; all ranks at the same time.

        Args:
            done: Steps so far.
            seconds: Time of the run so far.
            step_seconds: Time of one step.
            eval_seconds: Time of one evaluation.

        Raises:
            KnownError: if the run's folder cannot be written.
        """
        assert self._spec.minutes is not None
        left = self._spec.minutes * 60 * (1 - COMPARING_SHARE) - seconds - eval_seconds
        more = int(left / (step_seconds + eval_seconds / self._spec.eval_every))
        self.total = of_first_rank(self._accelerator, max(1, done, done + more))
        if self._accelerator.is_main_process:
            self._store(step_seconds)

    def follow(self, done: int, seconds: float, step_seconds: float, eval_seconds: float) -> bool:
        """Take in the time of a step; whether the steps are now others, by the pace so far."""
        self._recent.append(step_seconds)
        self._since, self._since_seconds = self._since + 1, self._since_seconds + step_seconds
        if self._spec.minutes is None or not self._is_due(done, self._spec.minutes * 60):
            return False
        before = self.total
        self._since, self._since_seconds = 0, 0.0
        self.fix(done, seconds, statistics.fmean(self._recent), eval_seconds)
        return self.total != before

    def _is_due(self, done: int, allowed: float) -> bool:
        """Whether to count anew: before the end, too, for the probe may have been held up."""
        is_late = self._since_seconds > SHARE_BETWEEN * allowed
        # By the first rank's clock, as all must count anew at the same step.
        is_late = of_first_rank(self._accelerator, int(is_late)) == 1
        return is_late or self._since >= STEPS_BETWEEN or done >= self.total

    def _store(self, step_seconds: float) -> None:
        draft = self._file.with_suffix(".part")
        try:
            draft.write_text(json.dumps({"steps": self.total, "seconds_per_step": step_seconds}))
            put_in_place(draft, self._file)
        except OSError as error:
            raise KnownError(f"{self._file} cannot be written: {error}.") from error

    def _stored(self) -> int:
        return int(json.loads(self._file.read_text())["steps"]) if self._file.is_file() else 0
