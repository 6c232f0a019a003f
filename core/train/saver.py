"""When a run writes its checkpoints, and that it does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import Tensor

from core.events import CheckpointSaved
from core.train.checkpoint import save_checkpoint
from core.train.reporter import Reporter
from core.train.sharding import any_rank
from core.train.spec import TrainSpec

MOST_SECONDS = 120.0
"""Between two checkpoints, whatever the spec says of steps ..."""
SELDOM = 20.0
"""... unless this many times what writing one takes is longer."""


class Saver:
    """Writes the checkpoints of a run; of several ranks the first one does.

    Args:
        run_dir: The run's folder.
        spec: Says after how many steps, and how many stay.
        accelerator: Of the ranks.
        report: Told of each.
    """

    def __init__(
        self, run_dir: Path, spec: TrainSpec, accelerator: Accelerator, report: Reporter
    ) -> None:
        self._run_dir, self._spec, self._report = run_dir, spec, report
        self._accelerator = accelerator
        self._written_at, self._took = time.monotonic(), 0.0

    def is_due(self, step: int) -> bool:
        """Whether a checkpoint should follow a step: for all ranks the same."""
        age = time.monotonic() - self._written_at
        is_old = self._accelerator.is_main_process and age > max(MOST_SECONDS, SELDOM * self._took)
        return any_rank(self._accelerator, is_old) or step % self._spec.save_every == 0

    def save(self, step: int, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Write one.

        Raises:
            KnownError: if the disk is full or not writable.
        """
        if not self._accelerator.is_main_process:
            return
        began = time.monotonic()
        folder = save_checkpoint(self._run_dir, step, weights, state, self._spec.keep_checkpoints)
        self._report(CheckpointSaved(step, str(folder)))
        self._written_at = time.monotonic()
        self._took = self._written_at - began
