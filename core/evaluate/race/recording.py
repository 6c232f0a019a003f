"""A race as a file (docs/race-file.md): it can be played and reported without a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

from core.engine.request import LoadSpec, SessionInfo
from core.errors import KnownError
from core.evaluate.measure import Way, measured_from
from core.evaluate.origin import session_record
from core.evaluate.race.lineup import Entry, Result
from core.evaluate.race.race import Lap, Racer, race_report
from core.events import GenerationEnded, GenerationEvent, GenerationStarted
from core.jsonl import from_dict, to_dict
from core.paths import resources

FORMAT, VERSION = "stride-race", 1
FACTS = ("prompt", "model", "licence", "day", "device", "dtype", "mtp_off_reason")
MACHINE = ("cpu", "cores", "gpus", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Recording:
    """A race that was run, perhaps elsewhere.

    Attributes:
        results: Its sides; the last one is compared with the first.
        facts: What else the file holds, by name, of which `FACTS` are always there.
    """

    results: tuple[Result, ...]
    facts: Mapping[str, Any]


def shipped_race() -> Path:
    """The recording that comes with Stride."""
    return resources() / "starter" / "race.json"


def new_recording(prompt: str, results: Sequence[Result], *, complete: bool = True) -> Recording:
    """A race that was run just now on this machine; `complete` unless it was cut short."""
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "day": date.today().isoformat(),
        "prompt": prompt,
        "complete": complete,
        **session_record(results[-1].info),
    }
    return Recording(tuple(results), facts)


def race_record(race: Recording) -> dict[str, Any]:
    """All that a file of it holds."""
    report = race_report([result.racer for result in race.results])
    sides = " against ".join(result.entry.label for result in race.results)
    rows = [
        {
            "label": result.entry.label,
            "adapter": result.info.adapter,
            **row,
            "events": [to_dict(event) for event in result.racer.median_lap[1]],
        }
        for row, result in zip(report["results"], race.results, strict=True)
    ]
    return {**race.facts, **report, "sides": sides, "results": rows}


def read_recording(path: Path) -> Recording:
    """A race from its file.

    Raises:
        KnownError: if it cannot be read, or is of another format or a newer version.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if (facts["format"], facts["version"]) != (FORMAT, VERSION):
            raise KnownError(
                f"{path} holds a {facts['format']} of version {facts['version']}.",
                f"This Stride reads {FORMAT} of version {VERSION}.",
            )
        _check(facts)
        return Recording(tuple(_result(row, facts) for row in facts.pop("results")), facts)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise KnownError(f"The recorded race {path} cannot be read: {error}.") from error


def _check(facts: dict[str, Any]) -> None:
    missing = {*FACTS, "machine"} - facts.keys() or set(MACHINE) - facts["machine"].keys()
    if missing:
        raise ValueError(f"it does not say {', '.join(sorted(missing))}")
    if not facts["results"]:
        raise ValueError("it has no side")


def _result(row: dict[str, Any], facts: dict[str, Any]) -> Result:
    events = cast("tuple[GenerationEvent, ...]", tuple(map(from_dict, row["events"])))
    if not isinstance(events[0], GenerationStarted) or not isinstance(events[-1], GenerationEnded):
        raise ValueError("an answer in it is not whole")
    shown = measured_from(events, row["seconds"])
    # Of the other runs only their times were kept.
    laps: list[Lap] = [(replace(shown, **times), events) for times in row["laps"]]
    way = Way(row["strategy"], row["threshold"])
    load = LoadSpec(facts["model"], row["adapter"] or "none", facts["device"], facts["dtype"])
    info = SessionInfo(
        model=facts["model"],
        model_path="",
        adapter=row["adapter"],
        adapter_path=None,
        device=facts["device"],
        dtype=facts["dtype"],
        k_max=row["k_max"],
        context_length=0,
        memory_bytes=0,
        mtp_off_reason=facts["mtp_off_reason"],
    )
    entry = Entry(row["label"], load, way)
    return Result(entry, Racer(way, tuple(laps), row["agreement"]), info)
