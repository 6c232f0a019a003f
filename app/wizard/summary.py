"""What the review says of a planned training, in words."""

from __future__ import annotations

import datetime
from pathlib import Path

from app.widgets.kinds import KINDS
from app.widgets.units import duration_text, size_text
from app.wizard.advanced import in_words
from app.wizard.recipe_page import DURATIONS
from core.documents.report import Report
from core.model.adapter_info import adapter_name
from core.train.draft import MINUTES, Draft
from core.train.forecast import Forecast
from core.train.preview import Look
from core.train.spec import TrainSpec
from core.wording import many

FEW_STEPS = 50
"""With fewer an adapter has hardly begun to learn."""


def facts_of(spec: TrainSpec, draft: Draft, look: Look | None) -> dict[str, str]:
    """What was answered, by what it is called; without what there is not."""
    rest = {name: one for name, one in draft.advanced.items() if name not in ("kind", "start_from")}
    changed = ", ".join(f"{word} {value}" for word, value in in_words(rest).items())
    facts = {
        "Model": Path(spec.model).name,
        "What is trained": KINDS[spec.kind][0],
        "Starts from": _start_name(spec.start_from),
        "Learns from": _sources(spec.data, look.report) if look else "",
        "Rows": f"{look.preview.rows:,}" if look else "",
        "Time": f"{DURATIONS[draft.duration][0]}, {MINUTES[draft.duration]} minutes",
        "Chat meanwhile": "goes on" if draft.keep_chatting else "waits until it is over",
        "Advanced": changed,
        "Adapter": spec.out,
    }
    return {name: value for name, value in facts.items() if value}


def time_text(seconds: float, starts_now: bool) -> str:
    """How long it takes, and until when."""
    limit = f"{duration_text(seconds)}, the limit that was set"
    if not starts_now:
        return f"{limit}, once the training before it is over"
    end = datetime.datetime.now() + datetime.timedelta(seconds=seconds)
    return f"{limit}: done by about {end:%H:%M} if it starts now"


def needs_text(found: Forecast, writes: bool) -> str:
    """What it does in that time, and what it takes.

    Args:
        found: The forecast, which lets the model write its rows as long as it may.
        writes: Whether it does.
    """
    room = (
        f"about {size_text(found.peak_bytes)} of memory and at most "
        f"{size_text(found.disk_bytes)} of disk"
    )
    if found.steps >= FEW_STEPS:
        more = ", more where the model writes its rows quickly" if writes else ""
        return f"About {many(found.steps, 'step')}{more}; {room}."
    fit = "step fits" if found.steps == 1 else "steps fit"
    return (
        f"It takes {room}.\nAt this pace only about {found.steps} {fit}: allow more time or use a "
        "smaller model."
    )


def _sources(data: tuple[str, ...], report: Report) -> str:
    """Files and folders that rows come from; of a folder how many files, if not all."""
    told = []
    for name in (Path(one).name for one in data):
        files = [one for one in report.files if f"{one.file}/".startswith(f"{name}/")]
        used = sum(one.rows > 0 for one in files)
        if used:
            told.append(name if used == len(files) else f"{name} ({used} of {len(files)} files)")
    return ", ".join(told)


def _start_name(start_from: str) -> str:
    return "a new adapter" if start_from == "none" else adapter_name(Path(start_from))
