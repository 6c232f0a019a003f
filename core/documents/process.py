"""The reading process seen from outside: its records as a stream that no file can break.

When the process is gone before its end, the file it was at gets a finding, and a new process
goes on with the next one.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from core.documents.child import Place, Task
from core.documents.limits import Limits
from core.documents.records import (
    ColumnMap,
    FileStarted,
    Finding,
    Found,
    Source,
    found_from_json,
)
from core.documents.walk import files_of

LOOK_SECONDS = 0.1


def read_documents(
    paths: Sequence[str], columns: ColumnMap | None = None, limits: Limits | None = None
) -> Generator[Found, None, None]:
    """Everything in files and folders, as it is read; closing the generator ends the reading.

    Nothing about the files raises: what cannot be read is a finding.
    """
    listed = list(files_of(paths))
    for found in listed:
        if isinstance(found, Finding):
            yield FileStarted(found.file)
            yield found
    # The reading process stands in another folder.
    sources = [one for one in listed if isinstance(one, Source)]
    files = tuple((str(one.path.absolute()), one.name) for one in sources)
    with tempfile.TemporaryDirectory(prefix="stride-", ignore_cleanup_errors=True) as folder:
        yield from _read(files, columns, folder, limits or Limits())


def _read(
    files: tuple[tuple[str, str], ...], columns: ColumnMap | None, folder: str, limits: Limits
) -> Iterator[Found]:
    start = Place()
    while start.file < len(files):
        process = _Process(Task(files, start, columns, folder, limits.memory_bytes), limits)
        name = files[start.file][1]
        try:
            for found in process.found():
                name = found.file if isinstance(found, FileStarted) else name
                yield found
        finally:
            process.end()
        if not process.why_ended:
            return
        place = process.place
        if place is None or place.member == 0:
            # It did not even come to a member: no second try at this file.
            index = start.file if place is None else place.file
            name, start = files[index][1], Place(index + 1)
        else:
            start = Place(place.file, place.member + 1)
        yield Finding(name, "", "skipped", process.why_ended)


class _Process:
    """One reading process, watched by a thread while it is waited for."""

    def __init__(self, task: Task, limits: Limits) -> None:
        self._limits = limits
        self._waiting_since: float | None = None
        self._verdict = ""
        self.place: Place | None = None
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "core.documents.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C is for us, who then end it
            cwd=Path(__file__).resolve().parent.parent.parent,
        )
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._output = self._popen.stdout
        with contextlib.suppress(BrokenPipeError), self._popen.stdin as stdin:
            stdin.write(task.to_json().encode() + b"\n")
        self._watch = threading.Thread(target=self._look, daemon=True, name="documents-watch")
        self._watch.start()

    def found(self) -> Iterator[Found]:
        """What it says, until it ends."""
        while line := self._next_line():
            if not line.endswith(b"\n"):
                break  # torn by its end
            data = json.loads(line)
            if "member" in data:
                self.place = Place(**data)
            else:
                yield found_from_json(data)
        self._popen.wait()

    @property
    def why_ended(self) -> str:
        """Why it ended too early; empty if it came to its end."""
        code = self._popen.returncode
        return self._verdict or (f"the reader broke down at it (exit code {code})" if code else "")

    def end(self) -> None:
        """Make sure that it is gone."""
        self._popen.kill()
        self._output.close()
        self._popen.wait()
        self._watch.join()

    def _next_line(self) -> bytes:
        # Only while we wait for it: a reader whose caller is busy may stand still.
        self._waiting_since = time.monotonic()
        line = self._output.readline()
        if line:
            self._waiting_since = None
        return line

    def _look(self) -> None:
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            seen = psutil.Process(self._popen.pid)
            while self._popen.poll() is None:
                since = self._waiting_since
                if since is not None and time.monotonic() - since > self._limits.silent_seconds:
                    self._stop(f"reading it took too long ({self._limits.silent_seconds:g} s)")
                elif seen.memory_info().rss > self._limits.memory_bytes:
                    self._stop("reading it takes too much memory")
                time.sleep(LOOK_SECONDS)

    def _stop(self, verdict: str) -> None:
        self._verdict = verdict
        self._popen.kill()
