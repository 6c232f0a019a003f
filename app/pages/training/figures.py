"""The figures of a training as it goes, as text for their tiles."""

from __future__ import annotations

from app.widgets.units import size_text
from core.device import busiest_gpu, process_memory
from core.train.progress import RunProgress

TILES = (
    "Step",
    "Supervised slots a second",
    "Loss",
    "Learning rate",
    "Agreement",
    "Tokens per pass",
    "Memory",
    "Last checkpoint",
    "GPU",
)


def figures_of(progress: RunProgress, is_at_work: bool) -> dict[str, str]:
    """Text of each tile; empty where nothing is known."""
    slots = progress.slots_per_second
    found = progress.evaluations[-1] if progress.evaluations else None
    held = process_memory(progress.pid) if is_at_work else 0
    peak = progress.ended.peak_bytes if progress.ended else 0
    gpu = busiest_gpu() if is_at_work else None
    return {
        "Step": f"{progress.step:,} / {progress.total_steps:,}" if progress.total_steps else "",
        "Supervised slots a second": f"{slots:,.0f}" if slots else "",
        "Loss": f"{progress.losses[-1][1]:.3f}" if progress.losses else "",
        "Learning rate": f"{progress.learning_rate:.2g}" if progress.learning_rate else "",
        "Agreement": f"{progress.agreements[-1][1]:.2f}" if progress.agreements else "",
        "Tokens per pass": f"{found.tokens_per_pass:.2f}" if found else "",
        "Memory": size_text(held or peak) if held or peak else "",
        "Last checkpoint": f"step {progress.checkpoint:,}" if progress.checkpoint else "",
        "GPU": f"{gpu[0]} %, {gpu[1]} °C" if gpu else "",
    }
