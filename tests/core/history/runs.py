"""Rows made by hand, and the number of a process that is gone."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from core.history.records import RunDetail


def dead_pid() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def a_run(run_id: str = "one", **changed: Any) -> RunDetail:
    fields: dict[str, Any] = {
        "id": run_id,
        "kind": "answer",
        "state": "completed",
        "created_at": 1_700_000_000.0,
        "source": "app",
        "model": "toy",
        "adapter": "swift",
        "title": "Count to 9.",
        "chat_id": None,
        "summary": {"tokens": 7, "passes": 3, "tokens_per_pass": 7 / 3},
        "prompt": "Count to 9.\nIn words.",
        "answer": "one two three",
        "settings": {"strategy": "confadapt", "stop": []},
        "machine": {"cpu": "toy"},
        "run_dir": None,
    }
    return RunDetail(**{**fields, **changed})
