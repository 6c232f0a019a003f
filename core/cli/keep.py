"""Keeps a race or a bench in the history, where a history can be kept."""

from __future__ import annotations

from collections.abc import Sequence

from core.cli.output import note
from core.errors import KnownError
from core.events import GenerationEvent
from core.history.records import RunDetail
from core.paths import Paths


def keep_run(run: RunDetail, events: Sequence[GenerationEvent], paths: Paths) -> None:
    """Write a run into the history with the answer that stands for it, if that can be done."""
    try:
        from core.history.store import HistoryStore

        with HistoryStore(paths.database) as store:
            store.save_run(run, events)
    except ImportError:
        pass  # a GPU server has no history
    except KnownError as error:
        note(f"This {run.kind} is not kept in the history. {error}")
