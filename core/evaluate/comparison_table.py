"""Before and after as a table: cells to show, and files in Markdown, CSV and JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from core.events import Span, ThresholdAdvised, WayCompared
from core.files import csv_text, write_text

HEADS = (
    "",
    "Tokens per pass",
    "Times one-token decoding",
    "Agreement",
    "Likelihood",
    "Repeated words",
)
HINT = (
    "Side by side on held-out prompts, against the base model's own one-token decoding; 95 % "
    "intervals in brackets. Agreement: tokens that the base model would have chosen. Likelihood: "
    "of each answer under the base model, against its own."
)


def cells(found: WayCompared) -> tuple[str, ...]:
    """A row of the table, as `HEADS` name its columns."""
    return (
        found.label,
        span_text(found.tokens_per_pass, 2),
        span_text(found.speedup, 2),
        span_text(found.agreement, 3),
        span_text(found.likelihood, 2),
        span_text(found.repeated, 1, "%"),
    )


def advice_text(advice: ThresholdAdvised) -> str:
    """What to do, in three words."""
    return "No advice" if advice.threshold is None else f"Use threshold {advice.threshold:g}"


def to_markdown(compared: Sequence[WayCompared], advice: ThresholdAdvised | None) -> str:
    """The table with what its columns mean, and the advice."""
    rows = [HEADS, ("---",) * len(HEADS), *map(cells, compared)]
    parts = ["\n".join(f"| {' | '.join(row)} |" for row in rows)]
    if compared:
        parts.append(f"{compared[0].prompts} prompts. {HINT}")
    if advice is not None:
        parts.append(f"{advice_text(advice)}. {advice.reason}")
    return "\n\n".join(parts) + "\n"


def to_csv(compared: Sequence[WayCompared]) -> str:
    """A row a way; of each figure with an interval its value, lower and upper end."""
    rows = [_flat(found) for found in compared]
    return csv_text(rows, list(rows[0]) if rows else [])


def to_json(compared: Sequence[WayCompared], advice: ThresholdAdvised | None) -> str:
    """Everything, as it stands in the run's events."""
    ways = [dataclasses.asdict(one) for one in compared]
    advised = dataclasses.asdict(advice) if advice is not None else None
    return json.dumps({"compared": ways, "advice": advised}, indent=2) + "\n"


def save_comparison(
    path: Path, compared: Sequence[WayCompared], advice: ThresholdAdvised | None
) -> None:
    """Write the table in the form that the file's name asks for: .csv, .json, else Markdown.

    Raises:
        KnownError: if the file cannot be written.
    """
    forms = {".csv": to_csv(compared), ".json": to_json(compared, advice)}
    text = forms.get(path.suffix.lower(), to_markdown(compared, advice))
    write_text(path, text)


def _flat(found: WayCompared) -> dict[str, object]:
    row: dict[str, object] = {}
    for name, value in dataclasses.asdict(found).items():
        if isinstance(value, tuple | list):
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), value, strict=True))
        else:
            row[name] = value
    return row


def span_text(span: Span, digits: int, form: Literal["f", "%"] = "f") -> str:
    """A figure with its interval, as a number or in percent."""
    value, low, high = (f"{one:.{digits}{form}}" for one in span)
    return value if low == high else f"{value} ({low} to {high})"
