"""What the benchmarks share: a recorded answer, waiting, spreads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer

from core.control import Cancel, Threshold
from core.engine.request import Request, SessionInfo
from core.evaluate.race.recording import read_recording, shipped_race
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone
from core.paths import Paths


def recorded(tokens: int) -> tuple[GenerationEvent, ...]:
    """Events of an answer of at least so many tokens: the shipped race's, over and over."""
    events = read_recording(shipped_race()).results[-1].racer.median_lap[1]
    started, *passes, _ = events
    assert isinstance(started, GenerationStarted)
    kept: list[PassDone] = []
    size = 0
    for index, one in zip(count(), cycle(passes), strict=False):
        if size >= tokens:
            break
        assert isinstance(one, PassDone)
        # Lines, so that it is laid out as text is.
        text = one.text if index % 12 else one.text + "\n\n"
        kept.append(replace(one, index=index, text=text, pieces=(*one.pieces[:-1], text)))
        size += len(one.token_ids)
    text = "".join(one.text for one in kept)
    ended = GenerationEnded("max_new_tokens", text, size, len(kept), 1.0)
    return (started, *kept, ended)


class RecordedSession:
    """Plays an answer at a rate of tokens a second."""

    def __init__(self, events: tuple[GenerationEvent, ...], rate: float) -> None:
        self.info = SessionInfo(
            *("recorded", "", None, None, "cpu", "bfloat16"),
            *(8, 1 << 20, 0, ""),
        )
        self._events, self._rate = events, rate

    def stream(
        self, _request: Request, cancel: Cancel, _threshold: Threshold
    ) -> Iterator[GenerationEvent]:
        """The answer, each pass when it is due."""
        began, tokens = time.monotonic(), 0
        for event in self._events:
            if cancel.is_set:
                return
            if isinstance(event, PassDone):
                tokens += len(event.token_ids)
                time.sleep(max(0.0, began + tokens / self._rate - time.monotonic()))
            yield event

    def close(self) -> None:
        """There is nothing to free."""


def wait(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    """Let the event loop run, undisturbed by polling, until something holds.

    Raises:
        TimeoutError: if it does not within the time.
    """
    loop = QEventLoop()
    poll = QTimer(interval=100)
    poll.timeout.connect(lambda: holds() and loop.quit())
    poll.start()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()
    if not holds():
        raise TimeoutError(f"what was waited for did not come in {seconds} s")


def paths_in(home: Path) -> Paths:
    """The folders of a user who keeps everything in one place."""
    return Paths(home / "config", home / "data", home / "state", home / "cache")


def spread(values: list[float]) -> dict[str, float]:
    """Of some measurements."""
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "p99": ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
        "longest": ordered[-1],
        "count": len(ordered),
    }
