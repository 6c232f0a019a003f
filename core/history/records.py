"""What the history hands out: frozen records, free of SQLAlchemy.

Lists carry the light record (`RunRecord`, `ChatRecord`); opening one gives the detail, which is
the same record with its long texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.events import RunState

RunKind = Literal["answer", "training", "bench", "race"]
Source = Literal["app", "cli"]

RUN_KINDS: tuple[RunKind, ...] = ("answer", "training", "bench", "race")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One row of the history as a list shows it.

    Attributes:
        created_at: Seconds since 1970 (UTC).
        title: First line of the prompt, or a name for what is no answer.
        adapter: Name of the adapter, None for the base model alone.
        chat_id: The chat this answer was given in, if any.
        summary: Figures by name: tokens, passes, tokens_per_pass, tokens_per_second, ...
    """

    id: str
    kind: RunKind
    state: RunState
    created_at: float
    source: Source
    model: str
    adapter: str | None
    title: str
    chat_id: str | None
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail(RunRecord):
    """One row of the history, opened.

    Attributes:
        settings: What was asked for: strategy, k_max, stop strings, a training's spec, ...
        machine: What it ran on.
        run_dir: A training's folder, None for the rest.
    """

    prompt: str
    answer: str
    settings: dict[str, Any]
    machine: dict[str, Any]
    run_dir: str | None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list; None or an empty search lets everything through.

    Attributes:
        search: Words that all occur in title, prompt, answer or model, in any order.
    """

    kind: RunKind | None = None
    search: str = ""
    model: str | None = None
    state: RunState | None = None


EVERYTHING = RunFilter()


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a chat; `run_id` leads from an answer to its row and its passes."""

    role: Literal["user", "assistant"]
    content: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRecord:
    """One chat as a list shows it; times in seconds since 1970 (UTC)."""

    id: str
    title: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDetail(ChatRecord):
    """One chat, opened: its system prompt and its turns, oldest first."""

    system: str = ""
    turns: tuple[Turn, ...] = ()
