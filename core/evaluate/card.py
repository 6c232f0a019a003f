"""The result card: a race as one HTML page that opens offline and asks for nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import accumulate

from core.blocks_html import classed_blocks, page_head
from core.evaluate.card_page import PAGE_STYLE, origin_line, table
from core.evaluate.lineup import Result
from core.evaluate.recording import Recording
from core.evaluate.verdict import explanation, headline
from core.events import PassDone

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 220, 44, 30
"""Of the chart and its margins, in pixels."""
COLUMNS = (
    "side",
    "seconds",
    "of them prompt",
    "tokens",
    "passes",
    "tokens per pass",
    "tokens a second",
    "agreement",
)


def race_card(race: Recording) -> str:
    """The page of a race."""
    title = headline(race.results)
    origin = {**race.facts, "adapter": race.results[-1].info.adapter}
    return "\n".join(
        (
            page_head(title, PAGE_STYLE),
            f"<h1>{html.escape(title)}</h1>",
            f"<h2>Prompt</h2>\n<pre>{html.escape(race.facts['prompt'])}</pre>",
            "<h2>Answers</h2>",
            "<p>Each block of colour is what one pass of the model added; the figure is its size."
            "</p>",
            f'<div class="sides">{"".join(map(_side, race.results))}</div>',
            "<h2>Tokens over time</h2>",
            _chart(race.results),
            "<h2>Figures</h2>",
            table(COLUMNS, map(_cells, race.results)),
            "<h2>How it was measured</h2>",
            *(f"<p>{html.escape(line)}</p>" for line in explanation(race.results).split("\n")),
            f"<p>{html.escape(limits(race.results))}</p>",
            f"<footer>{html.escape(origin_line(origin))}</footer>\n</body>\n</html>\n",
        )
    )


def limits(results: Sequence[Result]) -> str:
    """What such a figure does not say."""
    last = results[-1]
    return (
        "ConfAdapt is not lossless: a token is kept by its confidence, without a check. Of this "
        f"answer {last.racer.agreement:.1%} of the tokens are what the base model would have said "
        "at their place. It is one prompt on one machine; other prompts gain more or less."
    )


def _passes(result: Result) -> list[PassDone]:
    return [one for one in result.racer.median_lap[1] if isinstance(one, PassDone)]


def _side(result: Result) -> str:
    name = html.escape(result.entry.label)
    return f"<section><h3>{name}</h3>{classed_blocks(_passes(result))}</section>"


def _cells(result: Result) -> tuple[str, ...]:
    racer, shown = result.racer, result.racer.median_lap[0]
    return (
        result.entry.label,
        f"{racer.seconds:.2f}",
        f"{shown.prefill_seconds:.2f}",
        f"{len(shown.token_ids)}",
        f"{shown.passes}",
        f"{shown.tokens_per_pass:.2f}",
        f"{racer.tokens_per_second:.1f}",
        f"{racer.agreement:.1%}",
    )


def _chart(results: Sequence[Result]) -> str:
    """Steps of tokens over seconds, a line a side, told apart by their dashes and names."""
    courses = [_course(result) for result in results]
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
    for number, (result, course) in enumerate(zip(results, courses, strict=True)):
        steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in (place(*point) for point in course))
        x, y = place(*course[-1])
        name = html.escape(result.entry.label)
        parts.append(f'<path class="line dash{number % 3}" d="M{low} {base}{steps}"/>')
        # Over the end of a curve that only rises there is room, to its right only in the middle.
        anchor = "end" if x > WIDTH / 2 else "start"
        parts.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="{anchor}">{name}</text>')
    label = "Tokens of each side over the seconds since the prompt"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _course(result: Result) -> list[tuple[float, int]]:
    """Seconds since the prompt and tokens so far, after each pass."""
    passes = _passes(result)
    times = accumulate(one.seconds for one in passes)
    counts = accumulate(len(one.token_ids) for one in passes)
    return list(zip(times, counts, strict=True))
