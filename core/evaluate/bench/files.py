"""A bench as a file for others: the result card, its figures as a table, all of it as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from core.evaluate.bench.card import bench_card
from core.evaluate.bench.front import rows_of
from core.evaluate.bench.judged import Row
from core.evaluate.bench.markdown import bench_markdown
from core.files import csv_text, write_text

PLAIN = (
    "tokens_per_second",
    "seconds_ratio",
    "speedup_vs_transformers_generate",
    "acceptance",
    "same_as_next_token",
    "peak_memory",
)
"""Figures without an interval."""


def write_bench(report: Row, out: Path) -> None:
    """Write a report as its file's ending says; HTML where it says something else.

    Raises:
        KnownError: if it cannot be written.
    """
    makers = {".csv": _table, ".json": _whole, ".md": bench_markdown}
    make = makers.get(out.suffix.lower(), bench_card)
    write_text(out, make(report))


def _whole(report: Row) -> str:
    return json.dumps(report, ensure_ascii=False) + "\n"


def _table(report: Row) -> str:
    """A row a way and family; of each figure with an interval its value, lower and upper end."""
    parts = [row for row in report["results"] if row["family"] is not None]
    rows = [_flat(row) for row in (*rows_of(report), *parts)]
    return csv_text(rows, list(rows[0]))


def _flat(row: Row) -> Row:
    plain = {name: row.get(name) for name in ("strategy", "threshold", "k_max", "family")}
    figures = {"answers": row["answers"], "tokens": row["tokens"]}
    figures |= {name: row[name] for name in PLAIN}
    for name, span in row["intervals"].items():
        ends = span or (None, None, None)
        figures |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
    return plain | figures
