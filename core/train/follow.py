"""The events of a run as they come, read from its file by any process; no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from core.events import TrainingEvent
from core.history.training import EVENTS_FILE
from core.jsonl import from_dict


class EventTail:
    """Reads on where it stopped reading.

    Args:
        run_dir: The run's folder.
        start: Bytes of the file to leave out; 0 reads all there is.
    """

    def __init__(self, run_dir: Path, start: int = 0) -> None:
        self._path = run_dir / EVENTS_FILE
        self._read_from = start
        self._torn = b""

    def read(self) -> list[TrainingEvent]:
        """What was written since the last call; a line still being written waits."""
        if not self._path.is_file():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read_from)
            new = file.read()
        self._read_from += len(new)
        *lines, self._torn = (self._torn + new).split(b"\n")
        return [cast("TrainingEvent", from_dict(json.loads(line))) for line in lines]
