"""What the pages of races, benches and traces share: style, table, chart, where it was measured."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from core.evaluate.origin import machine_words
from core.events import PassDone

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 220, 44, 30
"""Of the chart of tokens and its margins, in pixels."""
PAGE_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.25; } .sides { display: flex; flex-wrap: wrap; gap: 2rem; }
.sides > section { flex: 1 1 20rem; min-width: 0; } .blocks { overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border-left: 3px solid; padding-left: .8rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: right; }
td { white-space: nowrap; }
td:first-child, th:first-child { text-align: left; padding-left: 0; }
tr + tr { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
svg { max-width: 100%; height: auto; } svg text { fill: currentColor; font-size: 13px; }
.axis, .line { fill: none; stroke: currentColor; } .axis { opacity: .4; } .line { stroke-width: 2; }
.dot { fill: Canvas; stroke: currentColor; stroke-width: 2; } .best { fill: currentColor; }
.error { stroke: currentColor; opacity: .5; }
.dash1 { stroke-dasharray: 7 4; } .dash2 { stroke-dasharray: 2 4; }
.table { overflow-x: auto; } footer { opacity: .8; margin-top: 2rem; }
"""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names the rows."""
    head = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="table"><table><tr>{head}</tr>{body}</table></div>'


def origin_line(facts: Mapping[str, Any]) -> str:
    """On what, where, when and by which versions something was measured."""
    machine = facts["machine"]
    licence = f" ({facts['licence']})" if facts["licence"] else ""
    # Races of the first version do not say by which Stride they were measured.
    stride = f"; Stride {facts['stride']}" if "stride" in facts else ""
    return (
        f"Model {facts['model']}{licence}, adapter {facts['adapter'] or 'none'}; {facts['device']} "
        f"in {facts['dtype']}; {machine_words(machine)}; torch {machine['torch']}, transformers "
        f"{machine['transformers']}{stride}; {facts['day']}."
    )


def tokens_chart(answers: Sequence[tuple[str, Sequence[PassDone]]]) -> str:
    """Steps of tokens over seconds, a line an answer, told apart by their dashes and names."""
    courses = [_course(passes) for _, passes in answers]
    seconds = max(course[-1][0] for course in courses) or 1.0
    tokens = max(course[-1][1] for course in courses) or 1
    right, top = WIDTH - 20, 24

    def place(second: float, count: float) -> tuple[float, float]:
        across = LEFT + (right - LEFT) * second / seconds
        return across, HEIGHT - BOTTOM - (HEIGHT - BOTTOM - top) * count / tokens

    low, base = LEFT, HEIGHT - BOTTOM
    parts = [
        f'<path class="axis" d="M{low} {top}V{base}H{right}"/>',
        f'<text x="{low - 6}" y="{top + 5}" text-anchor="end">{tokens}</text>',
        f'<text x="{low - 6}" y="{base}" text-anchor="end">0</text>',
        f'<text x="{right}" y="{base + 20}" text-anchor="end">{seconds:.1f} s</text>',
    ]
    for number, ((label, _), course) in enumerate(zip(answers, courses, strict=True)):
        steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in (place(*point) for point in course))
        x, y = place(*course[-1])
        name = html.escape(label)
        parts.append(f'<path class="line dash{number % 3}" d="M{low} {base}{steps}"/>')
        # Over the end of a curve that only rises there is room, to its right only in the middle.
        anchor = "end" if x > WIDTH / 2 else "start"
        parts.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="{anchor}">{name}</text>')
    words = "Tokens of each answer over the seconds since the prompt"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg>"
    )


def _course(passes: Sequence[PassDone]) -> list[tuple[float, int]]:
    """Seconds since the prompt and tokens so far, after each pass."""
    times = accumulate(one.seconds for one in passes)
    counts = accumulate(len(one.token_ids) for one in passes)
    return list(zip(times, counts, strict=True))
