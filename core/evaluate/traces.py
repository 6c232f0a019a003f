"""Recorded answers from files, to be looked at pass by pass.

A file holds events as JSON lines (`stride generate --json`), a race (docs/race-file.md), or runs
exported from the history as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import KnownError
from core.evaluate.race.recording import FORMAT, Recording, read_recording
from core.events import TRACE_VERSION, Event, GenerationEvent, GenerationStarted, PassDone
from core.jsonl import RUNS_FORMAT, RUNS_VERSION, from_dict, parse_lines

WHAT = "Choose what `stride generate --json` printed, a race, or a run exported as JSON."


@dataclass(frozen=True, slots=True)
class Trace:
    """One recorded answer.

    Attributes:
        label: What to call it.
        events: Its events, from the start of the answer.
    """

    label: str
    events: tuple[GenerationEvent, ...]

    @property
    def passes(self) -> tuple[PassDone, ...]:
        """The passes alone."""
        return tuple(one for one in self.events if isinstance(one, PassDone))


def read_traces(path: Path) -> tuple[Trace, ...]:
    """All answers of a file that have passes.

    Raises:
        KnownError: if it cannot be read, or holds no recorded answer.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KnownError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        traces = tuple(one for one in _traces(data, path) if one.passes)
        for trace in traces:
            _check(trace)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise KnownError(f"The answers in {path} cannot be read: {error!r}.", WHAT) from error
    if not traces:
        raise KnownError(f"{path} holds no recorded answer.", WHAT)
    return traces


def _check(trace: Trace) -> None:
    """Refuse a trace of a newer version, or whose passes contradict themselves."""
    started = trace.events[0]
    if isinstance(started, GenerationStarted) and started.version != TRACE_VERSION:
        raise ValueError(f"it is of version {started.version}, not {TRACE_VERSION}")
    provisional = 0
    for one in trace.passes:
        if one.confirmed < 0 or one.refused < 0 or one.confirmed + one.refused > provisional:
            raise ValueError(f"pass {one.index + 1} checks more than was proposed")
        provisional = one.provisional
        slots = len(one.proposed_ids)
        if not one.token_ids or not 0 <= one.kept <= slots == len(one.confidences):
            raise ValueError(f"pass {one.index + 1} has not a confidence for every slot")
        if one.kept + one.provisional > slots:
            raise ValueError(f"pass {one.index + 1} passes on more than it proposed")
        if not all(0 <= figure < math.inf for figure in (one.seconds, *one.confidences)):
            raise ValueError(f"pass {one.index + 1} has figures that cannot be")


def traces_of(race: Recording) -> list[Trace]:
    """The answers of a race, that with the most tokens a pass first."""
    sides = sorted(race.results, key=lambda one: -one.racer.median_lap[0].tokens_per_pass)
    return [Trace(one.entry.label, one.racer.median_lap[1]) for one in sides]


def _traces(data: bytes, path: Path) -> Sequence[Trace]:
    try:
        whole = json.loads(data)
    except ValueError:
        return _answers(path.name, list(parse_lines(data, str(path))))
    form = whole.get("format") if isinstance(whole, dict) else None
    if form == FORMAT:
        return traces_of(read_recording(path))
    if form == RUNS_FORMAT and whole["version"] == RUNS_VERSION:
        return [trace for run in whole["runs"] for trace in _of_run(run)]
    raise KnownError(f"{path} holds neither a race nor runs of this version of Stride.", WHAT)


def _of_run(run: dict[str, Any]) -> list[Trace]:
    return _answers(str(run["title"] or run["id"]), [from_dict(one) for one in run["trace"]])


def _answers(label: str, events: Sequence[Event]) -> list[Trace]:
    """The answers among the events; several of them are numbered."""
    answers: list[list[GenerationEvent]] = []
    for event in events:
        if isinstance(event, GenerationStarted):
            answers.append([])
        if isinstance(event, GenerationEvent) and answers:
            answers[-1].append(event)
    names = [label] if len(answers) == 1 else [f"{label}, {n}" for n in range(1, len(answers) + 1)]
    return [Trace(name, tuple(one)) for name, one in zip(names, answers, strict=True)]
