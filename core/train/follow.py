"""The events of a run as they come, read from its file by any process; no torch."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from core.events import TrainingEvent
from core.history.training import EVENTS_FILE
from core.jsonl import parse_lines


class EventTail:
    """Reads on where it stopped reading.

    Args:
        run_dir: The run's folder.
        start: Bytes of the file to leave out; 0 reads all there is.
    """

    def __init__(self, run_dir: Path, start: int = 0) -> None:
        self._path = run_dir / EVENTS_FILE
        self._read_from = start

    def read(self) -> list[TrainingEvent]:
        """What was written since the last call; a line still being written waits.

        Raises:
            KnownError: if a line is no event.
        """
        if not self._path.is_file():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read_from)
            new = file.read()
        # Not beyond the last whole line: a torn one is cut off before a run goes on.
        whole = new[: new.rfind(b"\n") + 1]
        self._read_from += len(whole)
        return [cast("TrainingEvent", event) for event in parse_lines(whole, str(self._path))]
