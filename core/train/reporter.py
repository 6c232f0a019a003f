"""The run's own record: one event a line, on disk as soon as it happens."""

from __future__ import annotations

from pathlib import Path

from core.events import Notice, TrainingEvent
from core.history.training import EVENTS_FILE
from core.jsonl import dumps


class Reporter:
    """Appends events to `run_dir/events.jsonl`; silent on all ranks but the first."""

    def __init__(self, run_dir: Path, is_first_rank: bool = True) -> None:
        self._path = run_dir / EVENTS_FILE
        self._writes = is_first_rank

    def __call__(self, event: TrainingEvent) -> None:
        """Write one event."""
        if self._writes:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(dumps(event) + "\n")

    def say(self, phase: str, message: str) -> None:
        """Write a sentence for the user."""
        self(Notice(phase, message))
