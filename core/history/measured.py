"""A race or a bench as a run of the history."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from core.history.recorder import title_of
from core.history.records import RunDetail, Source

HEADLINE = ("tokens_per_pass", "tokens_per_second", "agreement", "threshold", "k_max", "tokens")


def measured_run(
    kind: Literal["race", "bench"],
    prompt: str,
    answer: str,
    report: Mapping[str, Any],
    source: Source,
) -> RunDetail:
    """A report as a run.

    Args:
        kind: What was run.
        prompt: The prompt, or what the prompts were.
        answer: The text to show: the answer of a race, the table of a bench.
        report: What is printed; its single values are kept as settings.
        source: Who ran it.
    """
    headline = report["results"][-1] if kind == "race" else report["results"][0]
    return RunDetail(
        id=uuid.uuid4().hex[:12],
        kind=kind,
        state="completed" if report["complete"] else "stopped",
        created_at=time.time(),
        source=source,
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
