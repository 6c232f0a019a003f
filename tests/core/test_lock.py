"""One process at a time writes a file; what a dead one left is no hindrance."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import KnownError
from core.lock import WriteLock


def left_by(pid: int, folder: Path, host: str = platform.node(), since: float = 0.0) -> Path:
    lock = folder / "file.lock"
    lock.write_text(json.dumps({"pid": pid, "host": host, "time": since or time.time()}))
    return folder / "file"


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_it_is_held_until_it_is_released(tmp_path: Path) -> None:
    first = WriteLock(tmp_path / "file")
    assert json.loads((tmp_path / "file.lock").read_text())["pid"] == os.getpid()
    WriteLock(tmp_path / "file")  # the same process
    first.release()
    assert not list(tmp_path.iterdir())


def test_the_lock_of_another_process_is_respected(tmp_path: Path) -> None:
    path = left_by(os.getppid(), tmp_path)
    with pytest.raises(KnownError, match=r"Another process is writing .* delete file\.lock"):
        WriteLock(path)
    elsewhere = left_by(dead_process(), tmp_path, host="elsewhere")  # where nobody can tell
    with pytest.raises(KnownError, match="Another process is writing"):
        WriteLock(elsewhere)


@pytest.mark.parametrize("kind", ["dead", "reborn", "torn"])
def test_what_a_dead_process_left_counts_for_nothing(tmp_path: Path, kind: str) -> None:
    path = left_by(dead_process(), tmp_path)
    if kind == "reborn":  # another process bears its number by now
        left_by(os.getppid(), tmp_path, since=1.0)
    elif kind == "torn":
        (tmp_path / "file.lock").write_text('{"pid"')
    WriteLock(path).release()
    assert not (tmp_path / "file.lock").exists()


def test_a_place_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(KnownError, match="cannot be written"):
        WriteLock(tmp_path / "no" / "file")
