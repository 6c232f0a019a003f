"""Keeps a race or a bench in the history, where a history can be kept."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any, Literal

from core.cli.output import note
from core.device import machine_record
from core.engine.request import SessionInfo
from core.errors import KnownError
from core.events import GenerationEvent
from core.history.recorder import title_of
from core.history.records import RunDetail
from core.paths import Paths

HEADLINE = ("tokens_per_pass", "tokens_per_second", "agreement", "threshold", "k_max", "tokens")


def session_record(info: SessionInfo, *, complete: bool) -> dict[str, Any]:
    """What every report says of where it was measured, and whether Ctrl+C cut it short."""
    return {
        "model": info.model,
        "adapter": info.adapter,
        "mtp_off_reason": info.mtp_off_reason,
        "complete": complete,
        "machine": machine_record() | {"device": info.device, "dtype": info.dtype},
    }


def keep_run(
    kind: Literal["race", "bench"],
    prompt: str,
    answer: str,
    report: dict[str, Any],
    paths: Paths,
    events: Sequence[GenerationEvent] = (),
) -> None:
    """Write a report as a row of the history, if that can be done.

    Args:
        kind: What was run.
        prompt: The prompt, or what the prompts were.
        answer: The text to show: the answer of a race, the table of a bench.
        report: What is printed; its single values are kept as settings.
        paths: The user's folders.
        events: The answer that stands for the run.
    """
    headline = report["results"][-1] if kind == "race" else report["results"][0]
    run = RunDetail(
        id=uuid.uuid4().hex[:12],
        kind=kind,
        state="completed" if report["complete"] else "stopped",
        created_at=time.time(),
        source="cli",
        model=report["model"],
        adapter=report["adapter"],
        title=title_of(prompt),
        chat_id=None,
        summary={name: headline[name] for name in HEADLINE},
        prompt=prompt,
        answer=answer,
        settings={k: v for k, v in report.items() if not isinstance(v, dict | list)},
        machine=report["machine"],
        run_dir=None,
    )
    try:
        from core.history.store import HistoryStore

        with HistoryStore(paths.database) as store:
            store.save_run(run, events)
    except ImportError:
        pass  # a GPU server has no history
    except KnownError as error:
        note(f"This {kind} is not kept in the history. {error}")
