"""The reading process: `python -m core.documents.child`, which meets foreign files in our stead.

One JSON object on stdin says what to read; each line of stdout is a `Place` it has come to or
something found. Whatever a parser does to this process, the caller (`process.py`) lives on.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from core.documents.archives import Archive
from core.documents.formats import is_archive, read_file
from core.documents.records import (
    ColumnMap,
    FileStarted,
    Found,
    Source,
    Unreadable,
    found_to_json,
)


@dataclass(frozen=True)
class Place:
    """How far the reading has come, so that a new process can go on behind it.

    Attributes:
        file: Index of the file in the task.
        member: 0 for the file itself, from 1 on for the members of an archive.
    """

    file: int = 0
    member: int = 0


@dataclass(frozen=True)
class Task:
    """What a reading process is to do.

    Attributes:
        files: Paths with their names in reports.
        start: Where to begin; what lies before is passed over in silence.
        folder: For members of archives.
        memory_bytes: Most memory that the process may take.
    """

    files: tuple[tuple[str, str], ...]
    start: Place
    columns: ColumnMap | None
    folder: str
    memory_bytes: int

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Task:
        """The other way."""
        data = json.loads(line)
        columns = ColumnMap(**data["columns"]) if data["columns"] else None
        return cls(**{**data, "start": Place(**data["start"]), "columns": columns})


def run(task: Task) -> Iterator[Place | Found]:
    """All that is found, file by file."""
    for index in range(task.start.file, len(task.files)):
        path, name = task.files[index]
        source = Source(Path(path), name, task.columns)
        first = task.start.member if index == task.start.file else 0
        if is_archive(name):
            yield from _archive(source, Path(task.folder), index, first)
        else:
            yield Place(index)
            yield from _file(source)


def _archive(source: Source, folder: Path, index: int, first: int) -> Iterator[Place | Found]:
    yield Place(index)
    number = 0
    if source.is_empty:
        yield source.finding("", "empty", "it is empty")
        return
    try:
        archive = Archive(source, folder)
        for number, member in enumerate(archive.members(), start=1):
            if number < first:
                continue
            yield Place(index, number)
            yield FileStarted(archive.name_of(member))
            try:
                unpacked = archive.unpack(member)
            except Unreadable as why:
                yield why.finding(archive.name_of(member))
            else:
                yield from _contents(unpacked)
        if not number:
            yield source.finding("", "empty", "it is an archive without files")
    except Unreadable as why:
        yield why.finding(source.name)
    except Exception as error:  # noqa: BLE001  (a foreign file may break a parser in any way)
        yield source.finding("", "skipped", _told(error))


def _file(source: Source) -> Iterator[Found]:
    yield FileStarted(source.name)
    yield from _contents(source)


def _contents(source: Source) -> Iterator[Found]:
    try:
        yield from read_file(source)
    except Unreadable as why:
        yield why.finding(source.name)
    except FileNotFoundError:
        yield source.finding("", "skipped", "it has disappeared")
    except Exception as error:  # noqa: BLE001  (a foreign file may break a parser in any way)
        yield source.finding("", "skipped", _told(error))


def _told(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "reading it takes too much memory"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    return f"it is broken ({type(error).__name__}: {str(error)[:200]})"


def _limit_memory(most: int) -> None:
    """Let allocations beyond the limit fail, where the system can do that."""
    if sys.platform == "linux":
        import resource

        # Not RLIMIT_AS: libraries reserve address space by the gigabyte that they never touch.
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _own_stdout() -> TextIO:
    """The pipe to the caller, for us alone: what a library prints goes to stderr."""
    # Line by line: should a file end this process, all that was found before is known.
    pipe = os.fdopen(os.dup(1), "w", buffering=1, encoding="ascii")
    os.dup2(2, 1)
    return pipe


def main() -> int:
    """Entry of the process."""
    pipe = _own_stdout()
    task = Task.from_json(sys.stdin.readline())
    _limit_memory(task.memory_bytes)
    for one in run(task):
        line = json.dumps(asdict(one)) if isinstance(one, Place) else found_to_json(one)
        pipe.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
