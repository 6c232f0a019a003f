"""Where a training stands, as a sentence."""

from __future__ import annotations

from pathlib import Path

from app.widgets.units import duration_text
from core.events import RunEnded
from core.train.cleanup import has_checkpoint
from core.train.progress import PHASES, RunProgress
from core.train.queue import is_waiting
from core.train.wishes import is_paused
from core.wording import many

TOLD = ("synthesis", "compare")
"""Phases whose last sentence says more than their name."""
IN_LINE = "In line: it begins once the training at work is over."
NOT_OVER = " Before and after are compared once it has come to its end."
BROKEN_OFF = "Broken off; it can go on from its last checkpoint."
NEVER_SAVED = "Broken off, and there is no checkpoint: it can begin anew."


def phase_text(progress: RunProgress, folder: Path, is_at_work: bool) -> str:
    """What the run of a folder does, or what it came to."""
    if is_at_work:
        return _at_work_text(progress, folder)
    if is_waiting(folder):
        return IN_LINE
    if progress.ended is not None:
        return _ended_text(progress, progress.ended)
    return BROKEN_OFF if has_checkpoint(folder) else NEVER_SAVED


def _at_work_text(progress: RunProgress, folder: Path) -> str:
    if progress.phase == "pause":
        return PHASES["pause"]
    if is_paused(folder):
        unit = "batch" if progress.phase == "synthesis" else "step"
        return f"Pausing after the running {unit} …"
    said = progress.message if progress.phase in TOLD else ""
    return f"{PHASES.get(progress.phase, progress.phase)} … {said}".strip()


def _ended_text(progress: RunProgress, ended: RunEnded) -> str:
    steps, time = many(progress.step, "step"), duration_text(ended.seconds)
    failed = f" {progress.message}" if ended.state == "failed" else ""
    early = NOT_OVER if ended.state == "stopped" else ""
    return f"{ended.state.capitalize()} after {steps}, {time}.{early}{failed}"
