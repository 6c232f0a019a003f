"""A training as a row of the history, read from the `events.jsonl` in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import KnownError
from core.events import (
    CheckpointSaved,
    EvalDone,
    RunEnded,
    RunStarted,
    RunState,
    StepDone,
    TrainingEvent,
)
from core.history.processes import is_gone
from core.history.records import RunDetail
from core.jsonl import read_events

EVENTS_FILE = "events.jsonl"


def read_training(run_dir: Path) -> RunDetail:
    """The row of a training, as far as it got.

    Raises:
        KnownError: the folder holds no training run.
    """
    first, last, events = _read(run_dir)
    model = Path(str(first.spec.get("model") or "unknown")).name
    return RunDetail(
        id=first.run_id,
        kind="training",
        state=_state(last, events),
        created_at=first.time,
        source="app" if first.spec.get("source") == "app" else "cli",
        model=model,
        adapter=Path(_out(first, events)).name or None,
        title=f"Adapter for {model}",
        chat_id=None,
        summary=_summary(last, events),
        prompt="",
        answer="",
        settings=first.spec,
        machine=last.machine,
        run_dir=str(run_dir),
    )


def _read(run_dir: Path) -> tuple[RunStarted, RunStarted, list[TrainingEvent]]:
    """The first start, the last one (after a resume) and every event."""
    path = run_dir / EVENTS_FILE
    if not path.is_file():
        raise KnownError(f"{run_dir} holds no training run: there is no {EVENTS_FILE}.")
    events: list[Any] = list(read_events(path))
    starts = [event for event in events if isinstance(event, RunStarted)]
    if not starts:
        raise KnownError(f"{path} does not say which training it belongs to.")
    return starts[0], starts[-1], events


def _state(last: RunStarted, events: list[TrainingEvent]) -> RunState:
    """What the last start came to; a process that is gone without a word was interrupted."""
    after = events[events.index(last) :]
    ends = [event for event in after if isinstance(event, RunEnded)]
    if ends:
        return ends[-1].state
    pid, host = last.machine.get("pid"), last.machine.get("host")
    if isinstance(pid, int) and isinstance(host, str) and is_gone(pid, host, last.time):
        return "interrupted"
    return "running"


def _out(first: RunStarted, events: list[TrainingEvent]) -> str:
    """Where the adapter lies, or will lie."""
    ends = [event.adapter for event in events if isinstance(event, RunEnded) and event.adapter]
    return ends[-1] if ends else str(first.spec.get("out") or "")


def _summary(last: RunStarted, events: list[TrainingEvent]) -> dict[str, Any]:
    """The newest figure of each kind; absent where the training has none yet."""
    summary: dict[str, Any] = {"total_steps": last.total_steps}
    for event in events:
        match event:
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
            case RunEnded():
                summary |= {"seconds": event.seconds, "supervised": event.supervised}
            case _:
                pass
    return summary
