"""A file that one process at a time writes: a lock beside it names the process."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

from core.errors import KnownError
from core.processes import is_gone


class WriteLock:
    """Held from now until `release`; one that a dead process left counts for nothing.

    A process may take its own lock again.

    Args:
        path: The file that is written.

    Raises:
        KnownError: if another process holds the lock, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, path.with_name(f"{path.name}.lock")
        word = {"pid": os.getpid(), "host": platform.node(), "time": time.time()}
        try:
            if self._is_left_over():
                self._lock.unlink(missing_ok=True)
            with self._lock.open("x", encoding="utf-8") as file:
                file.write(json.dumps(word) + "\n")
        except FileExistsError:  # another process was quicker
            raise self._held() from None
        except OSError as error:
            raise KnownError(
                f"{self._lock} cannot be written: {error.strerror or error}.",
                "Choose another place, or free some space.",
            ) from error

    def release(self) -> None:
        """Let others have the file."""
        self._lock.unlink(missing_ok=True)

    def _is_left_over(self) -> bool:
        """Whether there is a lock that counts for nothing."""
        try:
            word = json.loads(self._lock.read_text(encoding="utf-8"))
            pid, host, since = word["pid"], word["host"], word["time"]
        except FileNotFoundError:
            return False
        except (ValueError, LookupError, TypeError):
            return True
        is_own = (pid, host) == (os.getpid(), platform.node())
        if not is_own and not is_gone(pid, host, since):
            raise self._held()
        return True

    def _held(self) -> KnownError:
        return KnownError(
            f"Another process is writing {self._path}.",
            f"Wait for it, or choose another file; if there is none, delete {self._lock.name}.",
        )
