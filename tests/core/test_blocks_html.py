"""Coloured blocks: escaped, sized, readable in both themes."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from core.blocks_html import (
    Palette,
    Theme,
    classed_blocks,
    inline_blocks,
    load_palette,
    style_sheet,
)
from tests.core.streams import TEXTS, pass_done, passes, text

THEMES: tuple[Theme, ...] = ("light", "dark")
LIGHT = load_palette("light")


class _Reader(HTMLParser):
    """Collects the text outside of the size figures, and every tag that was met."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.sizes, self.tags = "", [], set()
        self._in_figure = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._in_figure = tag == "sup"
        self.text += "\n" if tag == "br" else ""

    def handle_endtag(self, tag: str) -> None:
        self._in_figure = False

    def handle_data(self, data: str) -> None:
        if self._in_figure:
            self.sizes.append(int(data))
        else:
            self.text += data.replace("\xa0", " ")


def _read(fragment: str) -> _Reader:
    reader = _Reader()
    reader.feed(fragment)
    reader.close()
    return reader


def test_text_and_sizes_are_all_there() -> None:
    for fragment in (inline_blocks(passes(), LIGHT), classed_blocks(passes())):
        found = _read(fragment)
        assert found.text == "".join(TEXTS)
        assert found.sizes == [1, 2, 4]
        assert found.tags == {"div", "span", "sup", "br"}


@given(text)
def test_no_text_can_break_out_of_its_block(odd: str) -> None:
    found = _read(classed_blocks([dataclasses.replace(pass_done(0, "x"), text=odd)]))
    assert found.tags <= {"div", "span", "sup", "br"}
    plain = odd.replace("\r", "").replace("\0", "").replace("\xa0", " ")
    assert found.text.replace("\r", "").replace("\0", "") == plain


def test_inline_blocks_need_no_style_sheet() -> None:
    fragment = inline_blocks(passes(), LIGHT)
    assert "class=" not in fragment
    assert LIGHT.cycle[0] in fragment
    assert LIGHT.edges[2] in fragment


def test_colours_go_round() -> None:
    many = [pass_done(index, "x") for index in range(len(LIGHT.cycle) + 1)]
    classes = re.findall(r'class="block (c\d+)"', classed_blocks(many))
    assert classes[0] == classes[-1] == "c0"
    assert len(set(classes)) == len(LIGHT.cycle)


def test_hovering_tells_pass_confidence_and_time() -> None:
    fragment = classed_blocks([pass_done(1, "two three")])
    assert "pass 2: 2 tokens, confidence 0.95 0.95, threshold 0.9, 20 ms" in fragment


def test_hovering_tells_what_of_a_block_was_checked() -> None:
    first = dataclasses.replace(pass_done(0, "one two"), provisional=1)
    second = dataclasses.replace(pass_done(1, "three four"), confirmed=1)
    fragment = classed_blocks([first, second])
    assert "pass 1: 3 tokens" in fragment
    assert "threshold 0.9, 1 checked" in fragment


def test_the_style_sheet_knows_both_themes_and_fetches_nothing() -> None:
    css = style_sheet()
    assert "prefers-color-scheme: dark" in css
    for theme in THEMES:
        assert all(colour in css for colour in load_palette(theme).cycle)
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.parametrize("theme", THEMES)
def test_text_on_every_block_has_contrast(theme: Theme) -> None:
    palette: Palette = load_palette(theme)
    for ground in (palette.ground, *palette.cycle):
        assert _contrast(ground, palette.text) >= 4.5, ground
    assert len(set(palette.cycle)) == len(palette.cycle) == 8


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
