"""A training as a row of the history, read from its folder, which is the truth about it."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import KnownError
from core.events import (
    CheckpointSaved,
    EvalDone,
    Event,
    RunEnded,
    RunStarted,
    RunState,
    StepDone,
    StepsPlanned,
    ThresholdAdvised,
)
from core.history.records import RunDetail, Source
from core.jsonl import read_events
from core.processes import is_gone

EVENTS_FILE = "events.jsonl"
SPEC_FILE = "spec.json"
PROCESS_FILE = "process.json"
FORECAST_FILE = "forecast.json"
CHECKPOINTS_FOLDER = "checkpoints"
BEST_FOLDER = "best"
"""Weights of the best evaluation so far."""
UNFINISHED = ("stopped", "interrupted", "failed")
"""States of a run that can go on, or else begin anew."""
HELD_OUT_FILE = "held_out.jsonl"
"""Its held-out rows, as prompts of a bench; there once it is over."""


def run_folders(runs: Path) -> list[Path]:
    """The folders of trainings, newest first; a link leads elsewhere and is none of them."""
    if not runs.is_dir():
        return []
    return sorted(
        (one for one in runs.iterdir() if one.is_dir() and not one.is_symlink()), reverse=True
    )


def checkpoint_folders(run_dir: Path) -> list[Path]:
    """A run's whole checkpoints, oldest first; one half written has another name."""
    return sorted((run_dir / CHECKPOINTS_FOLDER).glob("step-*[0-9]"))


def note_process(run_dir: Path, pid: int, source: Source = "cli") -> None:
    """Leave word in a training's folder of the process that was just started for it.

    Without it a process that dies before its `RunStarted` could not be told from one at work.
    """
    word = {"pid": pid, "host": platform.node(), "time": time.time(), "source": source}
    (run_dir / PROCESS_FILE).write_text(json.dumps(word) + "\n", encoding="utf-8")


def is_at_work(run_dir: Path) -> bool:
    """Whether the process last started for a training runs on this machine."""
    word = _object(run_dir / PROCESS_FILE)
    is_here = bool(word) and word["host"] == platform.node()
    return is_here and not is_gone(word["pid"], word["host"], word["time"])


def noted_pid(run_dir: Path) -> int:
    """The process last started for a training; 0 where none was."""
    return int(_object(run_dir / PROCESS_FILE).get("pid", 0))


def read_training(run_dir: Path) -> RunDetail:
    """The row of a training, as far as it got; its id is the folder's name.

    Raises:
        KnownError: the folder holds no training run.
    """
    folder = _Folder.read(run_dir)
    model = Path(str(folder.spec.get("model") or "unknown")).name
    adapter = Path(folder.adapter).name
    return RunDetail(
        id=run_dir.name,
        kind="training",
        state=folder.state(),
        created_at=folder.created_at,
        source=folder.process.get("source", "cli"),
        model=model,
        adapter=adapter or None,
        title=f"{adapter}: adapter for {model}" if adapter else f"Adapter for {model}",
        chat_id=None,
        summary=_forecast(run_dir) | _summary(folder.events),
        prompt="",
        answer="",
        settings=folder.spec,
        machine=folder.starts[-1].machine if folder.starts else {},
        run_dir=str(run_dir),
    )


@dataclass(frozen=True)
class _Folder:
    """What a training's folder says."""

    spec: dict[str, Any]
    process: dict[str, Any]
    events: Sequence[Event]
    starts: Sequence[RunStarted]
    made_at: float
    told_at: float

    @classmethod
    def read(cls, run_dir: Path) -> _Folder:
        events_file, spec_file = run_dir / EVENTS_FILE, run_dir / SPEC_FILE
        events = tuple(read_events(events_file)) if events_file.is_file() else ()
        starts = [event for event in events if isinstance(event, RunStarted)]
        spec = _object(spec_file) or (starts[0].spec if starts else {})
        if not spec:
            raise KnownError(f"{run_dir} holds no training run.")
        return cls(
            spec=spec,
            process=_object(run_dir / PROCESS_FILE),
            events=events,
            starts=starts,
            made_at=spec_file.stat().st_mtime if spec_file.is_file() else 0.0,
            told_at=events_file.stat().st_mtime if events else 0.0,
        )

    @property
    def created_at(self) -> float:
        return self.starts[0].time if self.starts else self.made_at

    @property
    def adapter(self) -> str:
        """Where the adapter lies, or will lie."""
        written = [one.adapter for one in self.events if isinstance(one, RunEnded) and one.adapter]
        return written[-1] if written else str(self.spec.get("out") or "")

    def state(self) -> RunState:
        """What it came to; a process that is gone without a word was interrupted."""
        last = self.events[-1] if self.events else None
        process = self.process or self._started_process()
        resumed = process and process["time"] > self.told_at  # it has not said anything yet
        if isinstance(last, RunEnded) and not resumed:
            return last.state
        if not process and last is None:
            return "stopped"  # it was planned, and never started
        if not process or not is_gone(process["pid"], process["host"], process["time"]):
            return "running"
        return last.state if isinstance(last, RunEnded) else "interrupted"

    def _started_process(self) -> dict[str, Any]:
        """The process by its own word, for a training that was started by hand."""
        if not self.starts or "pid" not in self.starts[-1].machine:
            return {}
        last = self.starts[-1]
        since = min(last.time, self.told_at)  # it has spoken: it is not a resumed one
        return {"pid": last.machine["pid"], "host": last.machine.get("host"), "time": since}


def _object(path: Path) -> dict[str, Any]:
    """A JSON object of a file, empty where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _forecast(run_dir: Path) -> dict[str, Any]:
    """What was expected, to stand beside what came."""
    found = _object(run_dir / FORECAST_FILE)
    names = {"seconds": "forecast_seconds", "peak_bytes": "forecast_peak_bytes"}
    return {ours: found[theirs] for theirs, ours in names.items() if theirs in found}


def _summary(events: Sequence[Event]) -> dict[str, Any]:
    """The newest figure of each kind; absent where the training has none yet."""
    summary: dict[str, Any] = {}
    for event in events:
        match event:
            case RunStarted() | StepsPlanned():
                summary |= {"total_steps": event.total_steps}
            case StepDone():
                summary |= {"step": event.step, "loss": event.loss}
            case EvalDone():
                summary |= {
                    "agreement_by_slot": list(event.agreement_by_slot),
                    "tokens_per_pass": event.tokens_per_pass,
                    "threshold": event.threshold,
                }
            case CheckpointSaved():
                summary |= {"checkpoint": event.path}
            case ThresholdAdvised():
                summary |= {"advised_threshold": event.threshold, "advice": event.reason}
            case RunEnded():
                summary |= {"seconds": event.seconds, "supervised": event.supervised}
                summary |= {"peak_bytes": event.peak_bytes}
            case _:
                pass
    return summary
