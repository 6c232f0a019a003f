"""Recorded answers as one HTML page that opens offline."""

from __future__ import annotations

import html
from collections.abc import Sequence

from core.blocks_html import classed_blocks, page_head
from core.evaluate.card_page import PAGE_STYLE, table, tokens_chart
from core.evaluate.traces import Trace
from core.events import GenerationStarted
from core.metrics import answer_figures

COLUMNS = ("", "tokens", "passes", "tokens per pass", "tokens a second", "seconds for the prompt")
LIMITS = (
    "The times are those of the answer as it was decoded, once; nothing is compared. ConfAdapt "
    "is not lossless: a token of which the model is sure is kept without a check."
)


def trace_card(title: str, traces: Sequence[Trace]) -> str:
    """The page of some answers."""
    return "\n".join(
        (
            page_head(title, PAGE_STYLE),
            f"<h1>{html.escape(title)}</h1>",
            *map(_answer, traces),
            "<h2>Tokens over time</h2>",
            tokens_chart([(one.label, one.passes) for one in traces]),
            "<h2>Figures</h2>",
            table(COLUMNS, map(_cells, traces)),
            f"<p>{LIMITS}</p>\n</body>\n</html>\n",
        )
    )


def _answer(trace: Trace) -> str:
    started = trace.events[0]
    assert isinstance(started, GenerationStarted), "an answer begins with it"
    origin = (
        f"{started.model}, adapter {started.adapter or 'none'}, {started.strategy}, threshold "
        f"{started.threshold:g}, k_max {started.k_max}; {started.device} in {started.dtype}"
    )
    return (
        f"<h2>{html.escape(trace.label)}</h2>\n<pre>{html.escape(started.prompt_text)}</pre>\n"
        f"{classed_blocks(trace.passes)}\n<p>{html.escape(origin)}</p>"
    )


def _cells(trace: Trace) -> tuple[str, ...]:
    figures = answer_figures(list(trace.passes))
    return (
        trace.label,
        f"{figures.tokens}",
        f"{figures.passes}",
        f"{figures.tokens_per_pass:.2f}",
        f"{figures.tokens_per_second:.1f}",
        f"{figures.prefill_seconds:.2f}",
    )
