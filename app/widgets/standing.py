"""How far a training is, in one line."""

from __future__ import annotations

from app.widgets.units import time_left_text
from core.train.progress import PHASES, RunProgress


def steps_text(progress: RunProgress, is_at_work: bool) -> str:
    """Its steps and the time left; "" before there are any."""
    if not progress.total_steps:
        return ""
    parts = [f"step {progress.step:,} of {progress.total_steps:,}", f"{progress.share:.0%}"]
    if is_at_work and progress.seconds_left:
        parts.append(time_left_text(progress.seconds_left))
    return "  ·  ".join(parts)


def standing_text(progress: RunProgress) -> str:
    """What a run at work does, and how much of it is done."""
    done, total = progress.done
    written = f"{done:,} of {total:,} written" if total else ""
    how_far = steps_text(progress, is_at_work=True) or written
    return "  ·  ".join(filter(None, (PHASES.get(progress.phase, progress.phase), how_far)))
