"""Passes as coloured HTML blocks: the history's export and "copy with blocks as HTML" share it.

A block shows its size as a small figure and a ruled left edge, so colour never carries it alone.
Standard library only.
"""

from __future__ import annotations

import html
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.events import PassDone
from core.metrics import Block, blocks_of
from core.paths import resources
from core.wording import many

Theme = Literal["light", "dark"]

GROUNDS: dict[Theme, tuple[str, str]] = {
    "light": ("#FFFFFF", "#1B1D22"),
    "dark": ("#16181D", "#F1F2F4"),
}
"""Ground and text colour of a page in each theme."""

BLOCK_STYLE = "border-left:2px solid;border-radius:3px;padding:1px 2px"


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as "#rrggbb": the page's ground and text, and each block's fill and edge in turn."""

    ground: str
    text: str
    cycle: tuple[str, ...]
    edges: tuple[str, ...]


def load_palette(theme: Theme) -> Palette:
    """The block colours of a theme, as the app shows them."""
    path = resources() / "themes" / f"{theme}.toml"
    blocks = tomllib.loads(path.read_text(encoding="utf-8"))["blocks"]
    return Palette(*GROUNDS[theme], tuple(blocks["cycle"]), tuple(blocks["edges"]))


def inline_blocks(passes: Iterable[PassDone], palette: Palette) -> str:
    """Blocks that carry their colours along, for a clipboard: mail programs drop style sheets."""
    spans = []
    for block in blocks_of(passes):
        colour = block.done.index % len(palette.cycle)
        style = (
            f"background:{palette.cycle[colour]};color:{palette.text};"
            f"{BLOCK_STYLE};border-color:{palette.edges[colour]}"
        )
        spans.append(_span(block, f'style="{style}"'))
    return f'<div style="white-space:pre-wrap;line-height:1.8">{"".join(spans)}</div>'


def classed_blocks(passes: Iterable[PassDone]) -> str:
    """Blocks for a page that holds `style_sheet()`: they follow its light and dark."""
    size = len(load_palette("light").cycle)
    spans = (
        _span(block, f'class="block c{block.done.index % size}"') for block in blocks_of(passes)
    )
    return f'<div class="blocks">{"".join(spans)}</div>'


def plain_blocks(texts: Iterable[str], sizes: Iterable[int]) -> str:
    """Blocks of which only text and size are known, for the same page."""
    count = len(load_palette("light").cycle)
    spans = (
        f'<span class="block c{index % count}">{_inner(text, size)}</span>'
        for index, (text, size) in enumerate(zip(texts, sizes, strict=True))
    )
    return f'<div class="blocks">{"".join(spans)}</div>'


def page_head(title: str, style: str) -> str:
    """A page up to its opened body: it may load nothing, and follows the reader's light or dark."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{style}{style_sheet()}</style>\n</head>\n"
        "<body>\n"
    )


def style_sheet() -> str:
    """CSS for `classed_blocks` in both themes; the reader's system chooses."""
    return "\n".join(
        [
            ":root { color-scheme: light dark; }",
            ".blocks { white-space: pre-wrap; line-height: 1.8; }",
            f".block {{ {BLOCK_STYLE}; box-decoration-break: clone;"
            " -webkit-box-decoration-break: clone; }",
            "sup { font-size: .65em; opacity: .8; }",
            _rules(load_palette("light")),
            f"@media (prefers-color-scheme: dark) {{\n{_rules(load_palette('dark'))}\n}}",
        ]
    )


def _rules(palette: Palette) -> str:
    body = f"body {{ background: {palette.ground}; color: {palette.text}; }}"
    colours = zip(palette.cycle, palette.edges, strict=True)
    return "\n".join(
        [body]
        + [
            f".c{i} {{ background: {fill}; border-color: {edge}; }}"
            for i, (fill, edge) in enumerate(colours)
        ]
    )


def _span(block: Block, attribute: str) -> str:
    inner = _inner(block.text, block.size)
    return f'<span {attribute} title="{_hover(block)}">{inner}</span>'


def _inner(text: str, size: int) -> str:
    shown = html.escape(text).replace("\n", "<br>").replace("  ", "&nbsp; ")
    return f"{shown}<sup>{size}</sup>"


def _hover(block: Block) -> str:
    """What hovering over a block says."""
    done, size = block.done, block.size
    sure = " ".join(f"{one:.2f}" for one in done.confidences[:size])
    how = "checked" if done.is_exact else f"threshold {done.threshold:g}"
    if not done.is_exact and size > done.kept:
        how += f", {size - done.kept} checked"
    return html.escape(
        f"pass {done.index + 1}: {many(size, 'token')}, confidence {sure}, "
        f"{how}, {done.seconds * 1000:.0f} ms"
    )
