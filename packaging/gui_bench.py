"""How long the window's thread is held: `python packaging/gui_bench.py [--out FILE]`.

Charts: a training of 100,000 steps is drawn again and again while it grows, as the run page does
twice a second. Reported are the first drawing, and the median and longest of the later ones,
painting included.
A desktop session or Xvfb is needed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtWidgets import QApplication

from app.pages.training.charts import TrainingCharts
from core.device import machine_record
from core.events import EvalDone, StepDone
from core.train.progress import RunProgress

STEPS = 100_000
EVAL_EVERY = 100
DRAWINGS = 40


def charts(app: QApplication) -> dict[str, float]:
    """Milliseconds of one drawing of all charts."""
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
    return {"first": first, "median": statistics.median(later), "longest_later": max(later)}


def _events(step: int) -> list[StepDone | EvalDone]:
    done = StepDone(step, 3.0 / step**0.2, 1e-3, 0.5, 800, 1.0)
    if step % EVAL_EVERY:
        return [done]
    return [done, EvalDone(step, (0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2), 2.0, 0.9, 5.0)]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="How long the window's thread is held")
    parser.add_argument("--out", help="file for the figures as JSON")
    args = parser.parse_args()
    app = QApplication([])
    found = {"machine": machine_record(), "charts_ms": charts(app)}
    text = json.dumps(found, indent=2)
    print(text)
    if args.out:
        Path(args.out).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
