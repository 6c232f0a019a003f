"""The result card: a race as one HTML page that opens offline and asks for nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence

from core.blocks_html import classed_blocks, page_head
from core.evaluate.card_page import PAGE_STYLE, origin_line, table, tokens_chart
from core.evaluate.race.lineup import Result
from core.evaluate.race.recording import Recording
from core.evaluate.race.verdict import explanation, headline
from core.events import PassDone

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
            "<p>Each block of colour is what one pass of the model proposed of the answer; the "
            "figure is its size.</p>",
            f'<div class="sides">{"".join(map(_side, race.results))}</div>',
            "<h2>Tokens over time</h2>",
            tokens_chart([(one.entry.label, _passes(one)) for one in race.results]),
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
        "ConfAdapt is not lossless: a token of which the model is sure is kept without a check. "
        f"Of this answer {last.racer.agreement:.1%} of the tokens are what the base model would "
        "have said at their place. It is one prompt on one machine; others gain more or less."
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
