"""What the pages of a race and of a bench share: style, table, and where it was measured."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.evaluate.origin import machine_words

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
