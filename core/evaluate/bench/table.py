"""The report of a bench as a table for a terminal.

Speed and quality stand below each other, not side by side: with its interval a figure takes so
much room that one table of both would be broken into lines by a terminal of 80 columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from core.evaluate.bench.judged import Row
from core.events import Span
from core.wording import many

Column = Callable[[Row], str]
NOTHING = "-"
PEER_NAMES = {
    "transformers_generate": "generate",
    "transformers_prompt_lookup": "generate, prompt lookup",
    "transformers_assisted": "generate, assisted",
    "transformers_mtp": "generate, MTP heads",
}


def bench_table(result: Row) -> str:
    """The baselines and every way with its groups and families, then what to use."""
    machine, adapter = result["machine"], result["adapter"] or "no adapter"
    rows = list(_labelled(result))
    lines = [
        f"{result['model']}, {adapter}, {machine['device']}, {machine['dtype']}",
        f"{many(result['prompts'], 'prompt')}, {many(result['runs'], 'run')}: "
        "medians (lowest-highest run) [95 % interval]",
    ]
    if note := unchecked(result):
        lines.append(note.strip())
    for columns in (SPEED, QUALITY):
        lines += ["", *_block(rows, columns)]
    return "\n".join([*lines, "", advice_line(result["advice"])])


def advice_line(advice: Row) -> str:
    """What a report advises, in a sentence."""
    if advice["threshold"] is None:
        return f"No advice: {advice['reason']}"
    k_max = f", k_max {advice['k_max']}" if advice["k_max"] else ""
    return f"Use threshold {advice['threshold']:g}{k_max}: {advice['reason']}"


def unchecked(report: Row) -> str:
    """Said where ConfAdapt dropped its likely slots, as in reports of the time before checks."""
    has_slots = any(row["strategy"] == "confadapt" for row in report["results"])
    is_silent = report.get("checks", False) or not has_slots
    return "" if is_silent else " Likely slots were dropped, not checked."


def _labelled(result: Row) -> Iterator[tuple[str, Row]]:
    """Every row with its name; what is a part of another one stands below it, indented."""
    for row in result["baselines"].values():
        yield way_text(row), row
    ways = [row for row in result["results"] if row["strategy"] not in result["baselines"]]
    has_widths = len({row["k_max"] for row in ways if row["strategy"] == "confadapt"}) > 1
    parts = [(row["group"], row) for row in result["groups"]]
    parts += [(row["family"], row) for row in ways if row["family"]]
    for whole in (row for row in ways if row["family"] is None):
        label = way_text(whole, has_widths)
        yield label, whole
        for name, part in parts:
            if way_text(part, has_widths) == label:
                yield f"  {name}", part


def way_text(row: Row, has_widths: bool = False) -> str:
    """What to call a way of decoding; `has_widths`: there are several values of k_max."""
    strategy: str = row["strategy"]
    if strategy == "static_k":
        return f"static_k {row['k_max']}"
    if strategy == "heads":
        return f"heads {row['k_max'] - 1}"
    if strategy != "confadapt":
        return PEER_NAMES.get(strategy, strategy)
    k_max = f", k_max {row['k_max']}" if has_widths else ""
    return f"confadapt {row['threshold']:g}{k_max}"


def known_columns(rows: Sequence[Row], columns: Mapping[str, Column]) -> list[list[str]]:
    """The cells of each column, its head first; where nothing is known it is left out."""
    found = {head: [column(row) for row in rows] for head, column in columns.items()}
    return [[head, *cells] for head, cells in found.items() if set(cells) != {NOTHING}]


def _block(rows: list[tuple[str, Row]], columns: Mapping[str, Column]) -> list[str]:
    """The lines of a table."""
    shown = known_columns([row for _, row in rows], columns)
    table = [["", *(label for label, _ in rows)], *shown]
    widths = [max(map(len, column)) for column in table]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*table, strict=True)
    ]


def _spanned(name: str, digits: int) -> Column:
    return lambda row: _span_text(row["intervals"][name], digits)


def _span_text(span: Span | None, digits: int) -> str:
    if span is None:
        return NOTHING
    value, low, high = (f"{one:.{digits}f}" for one in span)
    return value if low == high else f"{value} [{low}, {high}]"


def _rate_text(row: Row) -> str:
    rate, low, high = (f"{one:.1f}" for one in (row["tokens_per_second"], *row["spread"]))
    return rate if low == high else f"{rate} ({low}-{high})"


def _over_generate(row: Row) -> str:
    ratio = row["speedup_vs_transformers_generate"]
    return NOTHING if ratio is None else f"{ratio:.2f}"


def _acceptance_text(row: Row) -> str:
    return NOTHING if row["acceptance"] is None else f"{row['acceptance']:.2f}"


def _kept_text(row: Row) -> str:
    kept = row["kept"]
    if kept is None:
        return NOTHING
    low, high = kept["interval"]
    return f"{kept['kept']}/{kept['right']} [{low:.2f}, {high:.2f}]"


SPEED: dict[str, Column] = {
    "speed-up": _spanned("speedup", 2),
    "generate": _over_generate,
    "tokens per pass": _spanned("tokens_per_pass", 2),
    "tokens a second": _rate_text,
    "acceptance": _acceptance_text,
}
"""Of them "generate" is the speed-up over that of transformers."""

QUALITY: dict[str, Column] = {
    "agreement": _spanned("agreement", 3),
    "accuracy": _spanned("accuracy", 2),
    "kept": _kept_text,
}
"""Of them "kept" are the right answers of one-token decoding that stay right."""
