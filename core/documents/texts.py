"""Readers of running text: TXT and Markdown, HTML. Each gives pieces that end with a paragraph."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
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
     "ol", "p", "pre", "section", "table", "title", "tr", "ul")
)  # fmt: skip
CELLS = frozenset({"td", "th"})
SILENT = frozenset({"script", "style", "template", "noscript"})
COMMENT = "comment"
ENDS = re.compile(r"--\s?!?>|</(script|style|template|noscript)", re.IGNORECASE)
LONGEST_END = 10


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
    page = _Page(_last_ends(file))
    # What the parser holds back, as of a long comment, it reads again with each chunk.
    while chunk := file.read(max(PARAGRAPH, len(page.rawdata))):
        page.feed(chunk)
        yield from page.take()
    page.close()
    page.end_block()
    yield from page.take()


def _last_ends(file: TextIO) -> dict[str, int]:
    """Where each sign that ends a silent part comes last, in characters."""
    ends, begin, text = dict[str, int](), 0, ""
    while chunk := file.read(PARAGRAPH):
        text += chunk
        for match in ENDS.finditer(text):
            ends[(match[1] or COMMENT).lower()] = begin + match.start()
        begin += max(0, len(text) - LONGEST_END)
        text = text[-LONGEST_END:]
    file.seek(0)
    return ends


class _Page(HTMLParser):
    """Collects the text of blocks, each (place, text).

    Args:
        ends: Where what ends a silent part comes last: one without an end is not silent.
    """

    def __init__(self, ends: Mapping[str, int]) -> None:
        # With references converted, the parser would hold back text without any tag for ever.
        super().__init__(convert_charrefs=False)
        self._ends = ends
        self._blocks: list[tuple[str, str]] = []
        self._block: list[str] = []
        self._size = 0
        self._fed = self._at = 0
        self._silent = ""
        self._is_pre = self._is_next_cell = False

    def feed(self, data: str) -> None:
        """The next characters of the file."""
        self._fed += len(data)
        super().feed(data)

    def parse_comment(self, i: int, report: bool = True) -> int:
        """The end of a comment, or of its begin where it has none."""
        self._at = i
        return super().parse_comment(i, report) if self._is_ended(COMMENT) else i + len("<!--")

    def parse_html_declaration(self, i: int) -> int:
        """The end of a declaration; of what only begins as one, of a comment without rules."""
        try:
            return super().parse_html_declaration(i)
        except AssertionError:
            return self.parse_bogus_comment(i)

    def parse_starttag(self, i: int) -> int:
        """The end of a tag."""
        self._at = i
        return super().parse_starttag(i)

    def take(self) -> list[tuple[str, str]]:
        """The blocks that ended since the last call."""
        taken, self._blocks = self._blocks, []
        return taken

    def end_block(self) -> None:
        """What follows is another paragraph."""
        text = "".join(self._block)
        text = text.strip("\n") if self._is_pre else " ".join(text.split())
        if text.strip():
            self._blocks.append((f"line {self.getpos()[0]}", text + "\n"))
        self._block, self._size = [], 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        """A block, a cell or a silent part begins."""
        if tag in SILENT and not self._silent and self._is_ended(tag):
            self._silent = tag
        if tag in BLOCKS:
            self.end_block()
        self._is_next_cell = self._is_next_cell or tag in CELLS
        self._is_pre = self._is_pre or tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        """A block or a silent part ends."""
        if tag == self._silent:
            self._silent = ""
        if tag in BLOCKS:
            self.end_block()
        self._is_pre = self._is_pre and tag != "pre"

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        if not self._silent:
            if self._is_next_cell and data.strip():
                self._is_next_cell = False
                if any(part.strip() for part in self._block):
                    self._block.append(" | ")
            self._block.append(data)
            self._size += len(data)
            if self._size > PARAGRAPH:
                self.end_block()

    def handle_entityref(self, name: str) -> None:
        """A character by its name; what is none, as in AT&T, is text."""
        said = html.unescape(f"&{name};")
        self.handle_data(f"&{name}" if said == f"&{name};" else said)

    def handle_charref(self, name: str) -> None:
        """A character by its number."""
        self.handle_data(html.unescape(f"&#{name};"))

    def _is_ended(self, part: str) -> bool:
        """Whether a part that begins where the parser is has an end in the file."""
        return self._ends.get(part, -1) > self._fed - len(self.rawdata) + self._at
