"""The result card of a bench: speed against quality as one HTML page that opens offline."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from core.blocks_html import page_head, plain_blocks
from core.evaluate.bench.front import (
    QUALITIES,
    Point,
    Quality,
    known_qualities,
    label_of,
    points,
    rows_of,
)
from core.evaluate.bench.judged import Row
from core.evaluate.bench.table import unchecked
from core.evaluate.card_page import PAGE_STYLE, origin_line, table
from core.evaluate.comparison_table import span_text
from core.events import Span
from core.wording import many

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 300, 60, 36, 16, 90
"""Of a chart and its margins, in pixels."""
LEAST_RANGE = 0.04
"""Of an axis: what lies closer together is not torn apart."""
FRONT = "Filled and joined points: nothing else is both faster and better."


def bench_headline(report: Row) -> str:
    """What a bench came to, in one line."""
    advised = [one for one in rows_of(report) if one["is_advised"]]
    if not advised:
        return "No threshold is advised"
    row = advised[0]
    return (
        f"Threshold {label_of(row, report)}: {row['intervals']['speedup'][0]:.2f} times as fast "
        f"as one token a pass, agreement {row['agreement']:.1%}"
    )


def bench_card(report: Row) -> str:
    """The page of a bench."""
    title = bench_headline(report)
    qualities = known_qualities(report)
    return "\n".join(
        (
            page_head(title, PAGE_STYLE),
            f"<h1>{html.escape(title)}</h1>",
            f"<p>{html.escape(report['title'])}</p>",
            f"<p>{html.escape(report['advice']['reason'])}</p>",
            *(_chart_section(report, quality) for quality in qualities),
            f"<p>{FRONT}</p>",
            "<h2>All ways of decoding</h2>",
            table(
                heads(qualities),
                [cells(label_of(one, report), one, qualities) for one in rows_of(report)],
            ),
            "<h2>Tokens that a pass added</h2>",
            table(*size_table(report)),
            *_family_section(report, qualities),
            "<h2>Some answers</h2>",
            "<p>Each block of colour is what one pass of the model added; the figure is its size."
            "</p>",
            *(_example(one, report) for one in report["examples"]),
            "<h2>How it was measured</h2>",
            f"<p>{html.escape(measuring(report))}</p>",
            f"<footer>{html.escape(origin_line(report))}</footer>\n</body>\n</html>\n",
        )
    )


def measuring(report: Row) -> str:
    """How it was measured, and what it does not say."""
    runs = f"medians of {report['runs']} runs" if report["runs"] > 1 else "one run"
    return (
        f"{many(report['prompts'], 'prompt')}, at most {report['max_new_tokens']} tokens "
        f"each; all ways took turns on the same weights; {runs}. Speed-up: tokens a second after "
        "the first pass, over those of one-token decoding; whole answer: times from prompt to "
        "text, likewise. In brackets what 95 % of a thousand draws of as many prompts give "
        "(bootstrap). Acceptance: provisional tokens that a later pass confirmed. Same answers: "
        "token by token those of one-token decoding. Agreement: tokens that the base model would "
        "have chosen at their place. Likelihood: of each answer under the base model, against its "
        "own. ROUGE-L: words in common with the reference, in order, parted at blanks. ConfAdapt "
        "is not lossless: a token of which the model is sure is kept without a check."
        f"{unchecked(report)}"
        f"{_cut(report)}"
    )


def _cut(report: Row) -> str:
    return "" if report["complete"] else " It was broken off; this is what was done until then."


def heads(qualities: Sequence[Quality]) -> tuple[str, ...]:
    """Of the columns of `cells`."""
    names = [QUALITIES[one] for one in qualities]
    speeds = "Speed-up", "Whole answer", "Tokens per pass", "Tokens a second"
    return ("", *speeds, *names, "Same answers", "Acceptance", "Prompts")


def cells(label: str, row: Row, qualities: Sequence[Quality]) -> tuple[str, ...]:
    """A row of the report as text."""
    found = row["intervals"]
    return (
        label,
        _known(found["speedup"], 2),
        f"{row['seconds_ratio']:.2f}",
        span_text(found["tokens_per_pass"], 2),
        f"{row['tokens_per_second']:.1f}" if found["speedup"] else "–",
        *(_known(found[one], 3) for one in qualities),
        f"{row['same_as_next_token']:.1%}",
        "–" if row["acceptance"] is None else f"{row['acceptance']:.2f}",
        f"{row['answers']}",
    )


def _known(span: Span | None, digits: int) -> str:
    return "–" if span is None else span_text(span, digits)


def size_table(report: Row) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: how often a pass added one token, two, ... in percent."""
    shown = [one for one in rows_of(report) if len(one["block_sizes"]) > 1]
    most = max((len(one["block_sizes"]) for one in shown), default=0)
    rows = []
    for one in shown:
        sizes, passes = one["block_sizes"], sum(one["block_sizes"])
        shares = [f"{count / passes:.0%}" for count in sizes]
        rows.append([label_of(one, report), *shares, *[""] * (most - len(shares))])
    return ["", *map(str, range(1, most + 1))], rows


def _family_section(report: Row, qualities: Sequence[Quality]) -> list[str]:
    by_way: dict[str, list[Row]] = {}
    for row in report["results"]:
        if row["family"] is not None and row["strategy"] not in report["baselines"]:
            by_way.setdefault(label_of(row, report), []).append(row)
    parts = ["<h2>By family</h2>"] if by_way else []
    for label, rows in by_way.items():
        body = table(heads(qualities), [cells(one["family"], one, qualities) for one in rows])
        parts.append(f"<h3>{html.escape(label)}</h3>{body}")
    return parts


def _example(example: Row, report: Row) -> str:
    sides = "".join(
        f"<section><h3>{html.escape(label_of(one, report))}</h3>"
        f"{plain_blocks(one['blocks'], one['sizes'])}</section>"
        for one in example["answers"]
    )
    return f'<pre>{html.escape(example["prompt"])}</pre><div class="sides">{sides}</div>'


def _chart_section(report: Row, quality: Quality) -> str:
    name = QUALITIES[quality]
    chart = _chart(points(report, quality), name)
    return f"<h2>Speed against {html.escape(name.lower())}</h2>{chart}"


def _chart(found: Sequence[Point], name: str) -> str:
    """Points with their intervals; a line joins those that nothing beats, which are filled."""
    across = _axis([value for one in found for value in one.speed], LEFT, WIDTH - RIGHT)
    upwards = _axis([value for one in found for value in one.quality], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>',
        _text(LEFT - 6, TOP + 5, f"{upwards.high:.3f}", "end"),
        _text(LEFT - 6, HEIGHT - BOTTOM, f"{upwards.low:.3f}", "end"),
        _text(LEFT, HEIGHT - BOTTOM + 20, f"{across.low:.2f}", "start"),
        _text(WIDTH - RIGHT, HEIGHT - BOTTOM + 20, f"{across.high:.2f} times as fast", "middle"),
    ]
    best = sorted((one for one in found if one.is_best), key=lambda one: one.speed[0])
    line = " ".join(
        f"{across.place(one.speed[0]):.1f},{upwards.place(one.quality[0]):.1f}" for one in best
    )
    parts.append(f'<polyline class="axis" points="{line}"/>')
    for one in found:
        x, y = across.place(one.speed[0]), upwards.place(one.quality[0])
        left, right = map(across.place, one.speed[1:])
        bottom, above = map(upwards.place, one.quality[1:])
        kind = "dot best" if one.is_best else "dot"
        parts += [
            f'<path class="error" d="M{left:.1f} {y:.1f}H{right:.1f}'
            f'M{x:.1f} {bottom:.1f}V{above:.1f}"/>',
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>',
            _text(x + 8, y - 8, one.label, "start"),
        ]
    label = html.escape(f"{name} of every way of decoding over its speed-up")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where values stand between two ends of a chart, in pixels."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    """An axis that holds all values, with some room at its ends, but none below zero."""
    low, high = min(values), max(values)
    room = max((high - low) / 20, (LEAST_RANGE - high + low) / 2)
    return _Axis(max(0.0, low - room), high + room, start, end)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(words)}</text>'
