"""Several ways of decoding at once, to be watched: they share the machine, so nothing is measured.

Two threads that compute with torch would slow one another; instead the passes of all take turns,
and the one that has had the least time comes next, so that each has an equal part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from core.control import Cancel, Threshold
from core.engine.request import Request
from core.evaluate.race.lineup import Entry, OpenSession
from core.events import GenerationEvent, PassDone
from core.model.install import Progress

DECODING = "Decoding"


def run_together(
    entries: Sequence[Entry],
    request: Request,
    open_session: OpenSession,
    cancel: Cancel,
    progress: Progress,
    show: Callable[[int, GenerationEvent], None],
) -> None:
    """Decode one answer of every entry.

    Args:
        entries: Those on the same weights share them.
        request: The prompt; strategy and k_max are those of each entry in turn.
        open_session: Opens a model.
        cancel: Ends all answers within one pass.
        progress: Told while models are loaded.
        show: Given the number of an entry and its next event.

    Raises:
        Cancelled: if a stop was asked for while loading.
        KnownError: see `Session.stream`.
    """
    sessions: dict[Any, Any] = {}
    with ExitStack() as stack:
        streams = []
        for entry in entries:
            first = sessions.get(entry.load)
            session = first.twin() if first else open_session(entry.load, progress)
            stack.callback(session.close)
            sessions[entry.load] = session
            streams.append(_stream(session, entry, request, cancel))
        progress(DECODING, 0, 0)
        _take_turns(streams, show)


def _stream(
    session: Any, entry: Entry, request: Request, cancel: Cancel
) -> Iterator[GenerationEvent]:
    way = entry.way
    own = replace(request, strategy=way.strategy, k_max=way.k_max)
    stream: Iterator[GenerationEvent] = session.stream(own, cancel, Threshold(way.threshold))
    return stream


def _take_turns(
    streams: Sequence[Iterator[GenerationEvent]], show: Callable[[int, GenerationEvent], None]
) -> None:
    spent = dict.fromkeys(range(len(streams)), 0.0)
    while spent:
        number = min(spent, key=spent.__getitem__)
        event = next(streams[number], None)
        if event is None:
            del spent[number]
            continue
        if isinstance(event, PassDone):
            spent[number] += event.seconds
        show(number, event)
