"""Readers of running text: TXT and Markdown, HTML. Each gives pieces that end with a paragraph."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import TextIO

from core.documents.encoding import open_text, told_guess
from core.documents.records import Found, Row, Source

PIECE = 4_000
"""Characters of a piece at most, unless a single paragraph is longer: a whole piece is left out
where a secret is in it."""
PARAGRAPH = 16_000
"""Characters after which a paragraph is torn."""
BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption",
     "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
     "ol", "p", "pre", "section", "table", "td", "th", "title", "tr", "ul")
)  # fmt: skip
SILENT = frozenset({"script", "style", "template", "noscript"})


def read_text(source: Source) -> Iterator[Found]:
    """Pieces of a plain or Markdown file, by their first line."""
    with open_text(source.path) as file:
        yield from told_guess(source, file)
        yield from pieces(source, _numbered(file))


def _numbered(file: TextIO) -> Iterator[tuple[str, str]]:
    number = 1
    while line := file.readline(PARAGRAPH):  # a line without end must not fill the memory
        yield f"line {number}", line
        number += line.endswith("\n")


def read_html(source: Source) -> Iterator[Found]:
    """Pieces of a page as a reader sees it: without scripts and styles."""
    with open_text(source.path) as file:
        yield from told_guess(source, file)
        yield from pieces(source, _paragraphs(file))


def pieces(source: Source, parts: Iterable[tuple[str, str]]) -> Iterator[Found]:
    """Records of consecutive parts, each (place, text with its line end), joined up to `PIECE`.

    A blank part ends a piece that is half full: a paragraph is not torn without need.
    """
    begin, held, size = "", list[str](), 0
    for place, text in parts:
        if size and (size + len(text) > PIECE or (not text.strip() and size > PIECE // 2)):
            yield from _piece(source, begin, held)
            held, size = [], 0
        if not held:
            begin = place
        held.append(text)
        size += len(text)
    yield from _piece(source, begin, held)


def _piece(source: Source, place: str, held: list[str]) -> Iterator[Found]:
    text = "".join(held).strip("\r\n")
    if text.strip():
        yield source.record(place, Row(text=text))


def _paragraphs(file: TextIO) -> Iterator[tuple[str, str]]:
    page = _Page()
    while chunk := file.read(PARAGRAPH):
        page.feed(chunk)
        yield from page.take()
    page.close()
    page.end_block()
    yield from page.take()


class _Page(HTMLParser):
    """Collects the text of blocks, each (place, text)."""

    def __init__(self) -> None:
        # With references converted, the parser would hold back text without any tag for ever.
        super().__init__(convert_charrefs=False)
        self._blocks: list[tuple[str, str]] = []
        self._block: list[str] = []
        self._size = self._silent = 0

    def take(self) -> list[tuple[str, str]]:
        """The blocks that ended since the last call."""
        taken, self._blocks = self._blocks, []
        return taken

    def end_block(self) -> None:
        """What follows is another paragraph."""
        if text := " ".join("".join(self._block).split()):
            self._blocks.append((f"line {self.getpos()[0]}", text + "\n"))
        self._block, self._size = [], 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        """A block or a silent part begins."""
        self._silent += tag in SILENT
        if tag in BLOCKS:
            self.end_block()

    def handle_endtag(self, tag: str) -> None:
        """A block or a silent part ends."""
        self._silent = max(0, self._silent - (tag in SILENT))
        if tag in BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        if not self._silent:
            self._block.append(data)
            self._size += len(data)
            if self._size > PARAGRAPH:
                self.end_block()

    def handle_entityref(self, name: str) -> None:
        """A character by its name."""
        self.handle_data(html.unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        """A character by its number."""
        self.handle_data(html.unescape(f"&#{name};"))
