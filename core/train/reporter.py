"""The run's own record: one event a line, on disk as soon as it happens."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import KnownError
from core.events import Notice, TrainingEvent
from core.history.training import EVENTS_FILE
from core.jsonl import dumps
from core.train.durable import remedy


class Reporter:
    """Appends events to `run_dir/events.jsonl`; silent on all ranks but the first."""

    def __init__(self, run_dir: Path, is_first_rank: bool = True) -> None:
        self._path = run_dir / EVENTS_FILE
        self._writes = is_first_rank
        if is_first_rank:
            drop_torn_line(self._path)

    def __call__(self, event: TrainingEvent) -> None:
        """Write one event.

        Raises:
            KnownError: if the disk is full or not writable.
        """
        if not self._writes:
            return
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(dumps(event) + "\n")
        except OSError as error:
            drop_torn_line(self._path)
            raise KnownError(
                f"The record {self._path} cannot be written: {error.strerror}.",
                remedy(error),
            ) from error

    def say(self, phase: str, message: str) -> None:
        """Write a sentence for the user."""
        self(Notice(phase, message))

    def warn(self, message: str) -> None:
        """Write a sentence that the user should come to see, whatever the run does next."""
        self.say("warning", message)


def drop_torn_line(path: Path) -> None:
    """Cut off what a killed writer left behind the last newline of a file of lines."""
    if not path.is_file():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
