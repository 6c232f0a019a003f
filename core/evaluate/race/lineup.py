"""Who races: ways of decoding with any models and adapters, loaded one after the other.

Those on the same weights take turns; others are measured one after the other, as a machine may
have no room for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.control import Cancel
from core.engine.request import LoadSpec, Request, SessionInfo
from core.evaluate.measure import Way
from core.evaluate.race.race import Race, Racer
from core.model.install import Progress

RACING = "Racing"
ONE_TOKEN = "One token a pass"
OpenSession = Callable[[LoadSpec, Progress], Any]
"""Opens a `core.engine.session.Session`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who races.

    Attributes:
        label: What to call it.
        load: Model and adapter.
        way: How it decodes.
    """

    label: str
    load: LoadSpec
    way: Way


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of an entry, and on what they were made."""

    entry: Entry
    racer: Racer
    info: SessionInfo


def run_lineup(
    entries: Sequence[Entry],
    request: Request,
    runs: int,
    open_session: OpenSession,
    cancel: Cancel,
    progress: Progress,
) -> list[Result]:
    """Measure all entries; the results are in their order.

    Raises:
        Cancelled: if a stop was asked for.
        KnownError: for a model or adapter that cannot be used; see `Session.stream`.
    """
    found: dict[Entry, Result] = {}
    total = runs * len(entries)
    for load in dict.fromkeys(entry.load for entry in entries):
        own = [entry for entry in entries if entry.load == load]
        before = runs * len(found)

        def advance(phase: str, done: int, of: int, before: int = before) -> None:
            cancel.check()
            if phase == RACING:
                done, of = before + done, total
            progress(phase, done, of)

        session = open_session(load, advance)
        try:
            found |= _measured(own, session, request, runs, cancel, advance)
        finally:
            session.close()
    return [found[entry] for entry in entries]


def _measured(
    own: Sequence[Entry],
    session: Any,
    request: Request,
    runs: int,
    cancel: Cancel,
    progress: Progress,
) -> dict[Entry, Result]:
    """The entries on one model; nothing of it is held afterwards, so that it can be freed."""
    from core.evaluate.agreement import base_model_of

    race = Race(session, request, [entry.way for entry in own], runs, base_model_of(session))
    progress(RACING, 0, race.total)
    for done in race.measure(cancel):
        progress(RACING, done, race.total)
    racers = {racer.way: racer for racer in race.racers()}
    return {entry: Result(entry, racers[entry.way], session.info) for entry in own}


def speedup(slow: Result, fast: Result) -> tuple[float, float, float]:
    """How many times sooner the second is done, prompt to text: of the medians, lowest, highest.

    The ends of the spread set the slowest run of one against the fastest of the other.
    """
    slower, faster = (sorted(lap[0].seconds for lap in one.racer.laps) for one in (slow, fast))
    middle = slow.racer.seconds / fast.racer.seconds
    return middle, slower[0] / faster[-1], slower[-1] / faster[0]
