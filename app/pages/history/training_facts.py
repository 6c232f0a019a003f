"""What a training was and what it took, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.widgets.kinds import KINDS
from app.widgets.units import duration_text, size_text
from core.history.records import RunDetail
from core.model.adapter_info import adapter_name
from core.wording import many

OWN_CHATS = "what the model writes itself"


def training_facts(run: RunDetail) -> dict[str, str]:
    """Name and value of each; "" where nothing is known."""
    asked, came = run.settings, run.summary
    agreement = came.get("agreement_by_slot") or ()
    return {
        "Learns from": _sources(asked),
        "Kind": KINDS.get(asked.get("kind", ""), ("", ""))[0],
        "Starts from": _start(asked.get("start_from", "none")),
        "Length": _length(asked),
        "Steps": _steps(came),
        "Agreement by slot": ", ".join(f"{one:.2f}" for one in agreement),
        "Advice": _advice(came),
        **_took(came),
        "Adapter": str(asked.get("out") or ""),
        "Processor": str(run.machine.get("cpu") or ""),
        "GPU": ", ".join(run.machine.get("gpus") or ()),
        "Folder": run.run_dir or "",
    }


def _sources(asked: dict[str, Any]) -> str:
    files = [Path(one).name for one in asked.get("data") or ()]
    return ", ".join([*files, *([OWN_CHATS] if asked.get("synthesize") else [])])


def _start(start_from: str) -> str:
    return "the model alone" if start_from == "none" else adapter_name(Path(start_from))


def _length(asked: dict[str, Any]) -> str:
    if minutes := asked.get("minutes"):
        return duration_text(60 * minutes)
    return many(asked["steps"], "step") if asked.get("steps") else ""


def _steps(came: dict[str, Any]) -> str:
    return f"{came['step']:,} of {came.get('total_steps', 0):,}" if "step" in came else ""


def _advice(came: dict[str, Any]) -> str:
    threshold, reason = came.get("advised_threshold"), came.get("advice", "")
    return f"Use threshold {threshold:g}. {reason}" if threshold is not None else reason


def _took(came: dict[str, Any]) -> dict[str, str]:
    """Time and memory, each beside its forecast."""
    seconds, peak = came.get("seconds"), came.get("peak_bytes")
    expected, room = came.get("forecast_seconds"), came.get("forecast_peak_bytes")
    time = duration_text(seconds) if seconds else ""
    memory = size_text(peak) if peak else ""
    return {
        "Time": f"{time} (forecast {duration_text(expected)})" if time and expected else time,
        "Memory": f"{memory} (forecast {size_text(room)})" if memory and room else memory,
    }
