"""Runs as files: JSON with the whole trace, CSV with a row a run, Markdown and HTML to read.

A whole chat is written as Markdown.
"""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from core import jsonl
from core.blocks_html import classed_blocks, page_head
from core.errors import KnownError
from core.events import Event, PassDone
from core.history.records import ChatDetail, RunDetail
from core.history.training import EVENTS_FILE

if TYPE_CHECKING:
    from core.history.store import HistoryStore

Format = Literal["json", "csv", "markdown", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)

FIGURES = (
    *("tokens", "passes", "tokens_per_pass", "tokens_per_second", "prefill_seconds"),
    *("decode_seconds", "stop_reason", "strategy", "threshold", "k_max"),
)
CSV_COLUMNS = (
    *("id", "kind", "state", "created", "source", "model", "adapter", "title"),
    *FIGURES,
    *("device", "dtype", "chat_id", "run_dir", "prompt", "answer"),
)

PAGE_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
article { margin-bottom: 3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; border-left: 3px solid; padding-left: .8rem; }
"""

Opened = tuple[RunDetail, tuple[Event, ...]]


def write_export(store: HistoryStore, run_ids: Iterable[str], form: Format, out: Path) -> None:
    """Write runs into a file, in the order given; a failure leaves an older file as it was.

    Raises:
        KnownError: there is no such run, or the file cannot be written.
    """
    opened = ((run, _events(store, run)) for run in map(store.get_run, run_ids))
    _write(out, WRITERS[form](opened))


def write_chat(chat: ChatDetail, out: Path) -> None:
    """Write a whole chat as Markdown; a failure leaves an older file as it was.

    Raises:
        KnownError: the file cannot be written.
    """
    parts = [f"# {chat.title}"]
    if chat.system:
        parts += ["## System prompt", chat.system]
    for turn in chat.turns:
        parts += ["## You" if turn.role == "user" else "## Answer", turn.content]
    _write(out, ["\n\n".join(parts) + "\n"])


def _write(out: Path, pieces: Iterable[str]) -> None:
    draft = out.with_name(f"{out.name}.new")
    try:
        with draft.open("w", encoding="utf-8", errors="replace", newline="") as file:
            file.writelines(pieces)
        os.replace(draft, out)
    except OSError as error:
        raise KnownError(
            f"{out} cannot be written: {error.strerror or error}.",
            "Choose another place, or free some space.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _events(store: HistoryStore, run: RunDetail) -> tuple[Event, ...]:
    """A run's events: an answer's lie in the history, a training's in its folder."""
    if run.kind != "training":
        return store.trace(run.id)
    path = Path(run.run_dir or "") / EVENTS_FILE
    return tuple(jsonl.read_events(path)) if path.is_file() else ()


def _json(runs: Iterable[Opened]) -> Iterator[str]:
    yield f'{{"format": "{jsonl.RUNS_FORMAT}", "version": {jsonl.RUNS_VERSION}, "runs": ['
    for number, (run, events) in enumerate(runs):
        trace = [jsonl.to_dict(event) for event in events]
        yield "\n" if number == 0 else ",\n"
        yield json.dumps({**dataclasses.asdict(run), "trace": trace}, ensure_ascii=False)
    yield "\n]}\n"


def _csv(runs: Iterable[Opened]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for run, _ in runs:
        plain = dataclasses.asdict(run)
        writer.writerow({**run.machine, **run.summary, **plain, "created": created(run)})
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _markdown(runs: Iterable[Opened]) -> Iterator[str]:
    for run, events in runs:
        facts = "\n".join(f"- {name}: {value}" for name, value in facts_of(run))
        parts = [f"# {run.title or run.kind}", facts]
        if run.prompt:
            parts += ["## Prompt", _fenced(run.prompt)]
        if run.answer:
            parts += ["## Answer", run.answer]
        sizes = [str(len(one.token_ids)) for one in _passes(events)]
        if sizes:
            parts += ["## Tokens of each pass", " ".join(sizes)]
        yield "\n\n".join(parts) + "\n\n"


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any within."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def _html(runs: Iterable[Opened]) -> Iterator[str]:
    yield page_head("Stride", PAGE_STYLE)
    for run, events in runs:
        yield _article(run, _passes(events))
    yield "</body>\n</html>\n"


def _article(run: RunDetail, passes: list[PassDone]) -> str:
    facts = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>\n"
        for name, value in facts_of(run)
    )
    parts = ["<article>", f"<h1>{html.escape(run.title or run.kind)}</h1>"]
    if run.prompt:
        parts.append(f"<h2>Prompt</h2>\n<pre>{html.escape(run.prompt)}</pre>")
    if passes:
        parts.append(f"<h2>Answer</h2>\n{classed_blocks(passes)}")
    elif run.answer:
        parts.append(f"<h2>Answer</h2>\n<pre>{html.escape(run.answer)}</pre>")
    parts += [f"<h2>Figures</h2>\n<dl>\n{facts}</dl>", "</article>\n"]
    return "\n".join(parts)


WRITERS: dict[Format, Callable[[Iterable[Opened]], Iterator[str]]] = {
    "json": _json,
    "csv": _csv,
    "markdown": _markdown,
    "html": _html,
}


def facts_of(run: RunDetail) -> list[tuple[str, str]]:
    """What is known of a run besides its texts, as names and values to read."""
    known: dict[str, Any] = {
        "run": run.id,
        "kind": run.kind,
        "state": run.state,
        "created": created(run),
        "model": run.model,
        "adapter": run.adapter or "none",
        **run.summary,
        "folder": run.run_dir,
        **{f"setting {name}": value for name, value in run.settings.items()},
        **{f"machine {name}": value for name, value in run.machine.items()},
    }
    return [
        (name.replace("_", " "), _readable(value))
        for name, value in known.items()
        if value not in (None, "", [], {})
    ]


def _readable(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())


def created(run: RunDetail) -> str:
    """When a run began, in ISO 8601, UTC."""
    return datetime.fromtimestamp(run.created_at, UTC).isoformat(timespec="seconds")


def _passes(events: Iterable[Event]) -> list[PassDone]:
    return [event for event in events if isinstance(event, PassDone)]
