"""The held-out side of a run: evaluations as it goes, and the best adapter so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, cast

from accelerate import Accelerator

from core.documents.records import Row
from core.engine.session import Session
from core.evaluate.prompts import prompts_to_jsonl
from core.events import EvalDone, SampleDone
from core.files import write_text
from core.history.training import HELD_OUT_FILE
from core.train.checkpoint import best_evaluation, rank_of, save_best
from core.train.data import Sample
from core.train.evaluation import SHOWN, decode_rows, evaluate, held_out_prompts
from core.train.sharding import any_rank
from core.train.spec import TrainSpec
from core.train.student import Student

if TYPE_CHECKING:
    from core.train.head_student import HeadsStudent


class HeldOut:
    """Rows that are never trained on.

    Args:
        rows: The rows, and `samples` their tokens.
        spec: The training.
        run_dir: The run's folder, which keeps the best adapter.
        student: What is trained.
        accelerator: Knows the ranks; the first one keeps the best adapter.
        say: Called with a sentence if the best adapter of earlier starts is damaged.

    Attributes:
        last: The newest evaluation of this start.
        best: The best one of all starts.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        samples: Sequence[Sample],
        spec: TrainSpec,
        run_dir: Path,
        student: Student,
        accelerator: Accelerator,
        say: Callable[[str], None],
    ) -> None:
        self.rows, self.samples = rows, samples
        self.last: EvalDone | None = None
        self.best = best_evaluation(run_dir, say)
        self._spec, self._run_dir = spec, run_dir
        self._student, self._accelerator = student, accelerator
        # Ranks with a share of the weights each can only decode together.
        self._takes_part = bool(rows) and (accelerator.is_main_process or spec.shard)

    @property
    def last_seconds(self) -> float:
        """What the newest evaluation took, or else the best one; 0.0 where there was none."""
        known = self.last or self.best
        return known.seconds if known else 0.0

    def write_prompts(self) -> None:
        """Keep what the rows ask, so that a bench can ask it again.

        Raises:
            KnownError: if the file cannot be written.
        """
        # The base will do: nothing is decoded, and of heads a copy would be made.
        session = Session(self._student.loaded_base, Path(self._spec.model), None)
        text = prompts_to_jsonl(held_out_prompts(session, self.rows))
        if text and self._accelerator.is_main_process:
            write_text(self._run_dir / HELD_OUT_FILE, text)

    def look(self, step: int) -> list[EvalDone | SampleDone]:
        """Evaluate after a step, unless that was done just now; keep the adapter if it is best."""
        if not self._takes_part or (self.last is not None and self.last.step == step):
            return []
        sharded = self._spec.shard
        # A module that Accelerate has prepared, as a sharded one is not, does so itself.
        with self._accelerator.autocast() if sharded else nullcontext():
            self.last, samples = self._evaluated(step)
        is_best = self.best is None or rank_of(self.last) > rank_of(self.best)
        if any_rank(self._accelerator, is_best) if sharded else is_best:
            self.best = self.last
            weights = self._student.weights()
            if self._accelerator.is_main_process:
                save_best(self._run_dir, self.best, weights)
        return [self.last, *samples]

    def _evaluated(self, step: int) -> tuple[EvalDone, list[SampleDone]]:
        student, spec = self._student, self._spec
        if spec.kind == "heads":
            from core.train.head_evaluation import evaluate_heads

            done = evaluate_heads(step, cast("HeadsStudent", student), self.samples, spec)
            session = Session(student.loaded, Path(spec.model), None)
            shown = decode_rows(session, self.rows, "heads", 0.0, SHOWN)
            return done, [SampleDone(step, prompt, passes) for prompt, passes in shown]
        return evaluate(step, student, self.rows, self.samples, spec)
