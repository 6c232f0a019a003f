"""The charts of a training of 100,000 steps, drawn again and again while it grows."""

from __future__ import annotations

import statistics
import time

from PySide6.QtWidgets import QApplication

from app.pages.training.charts import TrainingCharts
from core.events import EvalDone, StepDone
from core.train.progress import RunProgress

STEPS = 100_000
EVAL_EVERY = 100
DRAWINGS = 40


def measure(app: QApplication) -> dict[str, float]:
    """Milliseconds of one drawing of all charts, painting included."""
    progress = RunProgress()
    view = TrainingCharts()
    view.resize(900, 700)
    view.show()
    progress.take(event for step in range(1, STEPS + 1) for event in _events(step))
    taken = []
    for number in range(DRAWINGS):
        progress.take(_events(STEPS + 1 + number))
        began = time.perf_counter()
        view.show_progress(progress)
        app.processEvents()
        taken.append((time.perf_counter() - began) * 1000)
    first, *later = taken
    view.close()
    return {"first": first, "median": statistics.median(later), "longest_later": max(later)}


def _events(step: int) -> list[StepDone | EvalDone]:
    done = StepDone(step, 3.0 / step**0.2, 1e-3, 0.5, 800, 1.0)
    if step % EVAL_EVERY:
        return [done]
    return [done, EvalDone(step, (0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2), 2.0, 0.9, 5.0)]
