"""A race as a file: what `stride race --json` prints, and the window plays without a model.

One JSON object of format "stride-race". Its `results` are rows as `race_report` makes them, each
with the `events` of its median run (`core.jsonl`); beside them stand prompt, model, adapter,
machine and date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from core.engine.request import LoadSpec, SessionInfo
from core.errors import KnownError
from core.evaluate.lineup import ONE_TOKEN, Entry, Result
from core.evaluate.measure import NEXT_TOKEN, Way, measured_from
from core.evaluate.race import Lap, Racer, race_report
from core.events import GenerationEvent
from core.history.measured import measured_run, session_record
from core.history.records import RunDetail
from core.jsonl import from_dict, to_dict
from core.paths import resources

FORMAT, VERSION = "stride-race", 1


@dataclass(frozen=True, slots=True)
class Recording:
    """A race that was run before, perhaps elsewhere.

    Attributes:
        machine: As `core.device.machine_record` gives it.
        day: When it was run, as YYYY-MM-DD.
    """

    results: tuple[Result, ...]
    prompt: str
    model: str
    machine: Mapping[str, Any]
    day: str


def shipped_race() -> Path:
    """The recording that comes with Stride."""
    return resources() / "starter" / "race.json"


def record_race(report: Mapping[str, Any], racers: Sequence[Racer]) -> dict[str, Any]:
    """A race's report with all that playing it again needs."""
    rows = [
        {**row, "events": [to_dict(event) for event in racer.median_lap[1]]}
        for row, racer in zip(report["results"], racers, strict=True)
    ]
    head = {"format": FORMAT, "version": VERSION, "day": date.today().isoformat()}
    return {**head, **report, "results": rows}


def race_run(
    prompt: str, results: Sequence[Result]
) -> tuple[RunDetail, tuple[GenerationEvent, ...]]:
    """A race of the window as a run of the history, with the events of its last side."""
    shown, events = results[-1].racer.median_lap
    report = race_report([result.racer for result in results])
    report |= session_record(results[-1].info, complete=True)
    return measured_run("race", prompt, shown.text, report, "app"), events


def read_recording(path: Path) -> Recording:
    """A race from its file.

    Raises:
        KnownError: if it cannot be read, or is of another format or a newer version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if (data["format"], data["version"]) != (FORMAT, VERSION):
            raise KnownError(
                f"{path} holds a {data['format']} of version {data['version']}.",
                f"This Stride reads {FORMAT} of version {VERSION}.",
            )
        results = tuple(_result(row, data) for row in data["results"])
        return Recording(results, data["prompt"], data["model"], data["machine"], data["day"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise KnownError(f"The recorded race {path} cannot be read: {error}.") from error


def _result(row: dict[str, Any], data: dict[str, Any]) -> Result:
    events = tuple(from_dict(one) for one in row["events"])
    way = Way(row["strategy"], row["threshold"])
    shown = measured_from(events, row["seconds"])  # type: ignore[arg-type]
    # Of the other runs only their times were kept.
    laps: list[Lap] = [(replace(shown, seconds=one), events) for one in row["lap_seconds"]]
    label = ONE_TOKEN if way == NEXT_TOKEN else data["adapter"] or way.name
    load = LoadSpec(data["model"], data["adapter"] or "none", data["device"], data["dtype"])
    return Result(Entry(label, load, way), Racer(way, tuple(laps), row["agreement"]), _info(data))


def _info(data: dict[str, Any]) -> SessionInfo:
    return SessionInfo(
        model=data["model"],
        model_path="",
        adapter=data["adapter"],
        adapter_path=None,
        device=data["device"],
        dtype=data["dtype"],
        k_max=max(row["k_max"] for row in data["results"]),
        context_length=0,
        memory_bytes=0,
        mtp_off_reason=data["mtp_off_reason"],
    )
