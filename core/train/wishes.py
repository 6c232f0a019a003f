"""What a user asks of a running training, as files in its folder: any process may leave them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

STOP_FILE = "STOP"
PAUSE_FILE = "PAUSE"
LOAN_FILE = "LOAN"
KEEP_BEST = "best"
LOOK_SECONDS = 0.2


def ask_to_stop(run_dir: Path, keep_best: bool = False) -> None:
    """Let a training end after the running step, with a checkpoint.

    Args:
        run_dir: The run's folder.
        keep_best: Let the adapter be the best of the evaluations instead of the newest.
    """
    (run_dir / STOP_FILE).write_text(KEEP_BEST if keep_best else "", encoding="utf-8")


def pause(run_dir: Path) -> None:
    """Let a training wait after the running step; it keeps its memory."""
    (run_dir / PAUSE_FILE).touch()


def go_on(run_dir: Path) -> None:
    """Let a paused training go on."""
    (run_dir / PAUSE_FILE).unlink(missing_ok=True)


def is_paused(run_dir: Path) -> bool:
    """Whether a training was asked to wait."""
    return (run_dir / PAUSE_FILE).exists()


def ask_for_loan(run_dir: Path) -> None:
    """Let a training have the chat model's memory at each of its starts; the window heeds it."""
    (run_dir / LOAN_FILE).touch()


def wants_loan(run_dir: Path) -> bool:
    """Whether the chat model makes room while a training is at work."""
    return (run_dir / LOAN_FILE).exists()


def forget(run_dir: Path) -> None:
    """Take back the wishes to stop and to wait, for a new start."""
    for name in (STOP_FILE, PAUSE_FILE):
        (run_dir / name).unlink(missing_ok=True)


class Wishes:
    """Those to stop and to wait, read by the training process; SIGTERM counts as a wish to stop."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._signalled = False
        self._paused_seconds = 0.0

    def heed_signals(self) -> None:
        """Take SIGTERM as a wish to stop, from now on."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def stop(self) -> bool:
        """Whether to stop now."""
        return self._signalled or (self._run_dir / STOP_FILE).exists()

    @property
    def is_urgent(self) -> bool:
        """Whether to stop with what must be, for it is killed soon."""
        return self._signalled

    def keeps_best(self) -> bool:
        """Whether the best adapter shall stay instead of the newest."""
        try:
            word = (self._run_dir / STOP_FILE).read_text(encoding="utf-8")
        except OSError:
            return False
        return word == KEEP_BEST

    def now(self) -> float:
        """The time (as `time.monotonic`), which stands still while it is paused."""
        return time.monotonic() - self._paused_seconds

    def wait_while_paused(self, tell: Callable[[str], None]) -> None:
        """Come back once there is no pause, or a stop is asked for."""
        if not is_paused(self._run_dir) or self.stop():
            return
        tell("Paused.")
        began = time.monotonic()
        while is_paused(self._run_dir) and not self.stop():
            time.sleep(LOOK_SECONDS)
        self._paused_seconds += time.monotonic() - began
        tell("Going on.")

    def _on_signal(self, *_: object) -> None:
        self._signalled = True
