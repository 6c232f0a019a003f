"""The report of a bench as Markdown that also reads well in a terminal: all prompts, then families.

For benches of many ways: a row a way, where the other table has one for each of its families.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from core.evaluate.bench.front import rows_of
from core.evaluate.bench.judged import Row
from core.evaluate.bench.table import (
    NOTHING,
    QUALITY,
    SPEED,
    Column,
    known_columns,
    unchecked,
    way_text,
)
from core.evaluate.card_page import origin_line
from core.wording import many

MEBIBYTE = 1 << 20
HINT = (
    "Tokens a second after the first pass, medians of the runs (lowest to highest); in square "
    "brackets what 95 % of a thousand draws of as many prompts give. Acceptance: provisional "
    "tokens that a later pass confirmed. Same answers: token by token those of one-token "
    "decoding, in all runs. Agreement: tokens that the base model would have chosen at their "
    "place. Kept: right answers of one-token decoding that stay right."
)


def bench_markdown(report: Row) -> str:
    """The ways of decoding over all prompts, and their speed-ups by family."""
    rows = rows_of(report)
    labels = ["", *map(way_text, rows)]
    columns = known_columns(rows, _columns(report))
    prompts = f"{report['title']}: {many(report['prompts'], 'prompt')}"
    parts = [
        f"{prompts}, at most {report['max_new_tokens']} tokens each, "
        f"{many(report['runs'], 'run')}. {origin_line(report)}{_drafts(report)}",
        _table([labels, *columns]),
        f"Times {_name(report)}, by family:",
        _table([labels, *_families(report)]),
        f"{HINT}{unchecked(report)}{_memory(report)}",
    ]
    return "\n\n".join(parts) + "\n"


def _reference(report: Row) -> str:
    """What speed is held against."""
    generate = "transformers_generate"
    return generate if generate in report["baselines"] else "next_token"


def _name(report: Row) -> str:
    return f"`{way_text(report['baselines'][_reference(report)])}`"


def _drafts(report: Row) -> str:
    heads = f" Heads: {report['heads']}." if report["heads"] else ""
    if not any(row["strategy"] == "transformers_assisted" for row in rows_of(report)):
        return heads
    draft = report["draft"] or "the first two layers of the model, untrained"
    return f"{heads} Draft model: {draft}."


def _memory(report: Row) -> str:
    """Of a bench on the CPU: a process has one high-water mark, whatever it decodes."""
    peak = report.get("peak_memory")
    return (
        f" The process held at most {peak / MEBIBYTE:.0f} MiB, all ways together." if peak else ""
    )


def _columns(report: Row) -> Mapping[str, Column]:
    over = f"speedup_vs_{_reference(report)}"
    return {
        "tokens a second": SPEED["tokens a second"],
        f"times {_name(report)}": lambda row: f"{row[over]:.2f}",
        "tokens per pass": SPEED["tokens per pass"],
        "acceptance": SPEED["acceptance"],
        "same answers": lambda row: f"{row['same_as_next_token']:.3f}",
        **QUALITY,
        "peak memory": _peak_text,
    }


def _peak_text(row: Row) -> str:
    return f"{row['peak_memory'] / MEBIBYTE:.0f} MiB" if row["peak_memory"] else NOTHING


def _families(report: Row) -> Iterator[list[str]]:
    """A column a family, the whole last."""
    over = f"speedup_vs_{_reference(report)}"
    named = dict.fromkeys(row["family"] for row in report["results"] if row["family"])
    for family in (*named, None):
        yield [family or "all", *(f"{row[over]:.2f}" for row in rows_of(report, family))]


def _table(columns: Sequence[Sequence[str]]) -> str:
    """Columns, each with its head first, as a Markdown table whose bars stand below each other."""
    names, *figures = columns
    width = max(map(len, names))
    aligned = [[one.ljust(width) for one in (names[0], "-" * width, *names[1:])]]
    for head, *cells in figures:
        width = max(map(len, (head, *cells)))
        aligned.append([one.rjust(width) for one in (head, "-" * (width - 1) + ":", *cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*aligned, strict=True))
