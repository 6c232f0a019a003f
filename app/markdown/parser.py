"""Markdown into laid-out blocks whose every character knows its place in the source.

markdown-it-py keeps lines for blocks but no offsets for inline text, so the inline state is
subclassed to note where each token began. Pass colours are a second layer over the same
characters and need exactly that. No raw HTML, no pictures from the network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from app.markdown.math_rules import add_math

Kind = Literal["paragraph", "heading", "code", "maths", "rule", "table"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a run looks; combinations are what nesting gives."""

    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    maths: bool = False
    quiet: bool = False
    link: str = ""
    syntax: str = ""


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style.

    Attributes:
        start: Source offset of its first character.
        end: Source offset after its last one. Where `end - start` is the text's length the
            characters stand for themselves, else the text as a whole stands for the range.
    """

    text: str
    style: Style
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    runs: tuple[Run, ...]
    align: Literal["left", "center", "right"]


@dataclass(slots=True)
class Block:
    """One paragraph-like thing, one line of code, or a table.

    Attributes:
        level: Of a heading, 1 to 6.
        depth: How many lists it lies in.
        quotes: How many block quotes it lies in.
        is_item: Whether it begins with a list marker (then its first run).
        is_tight: Whether it stands close to the next one.
        opens: Whether it is the first line of its code.
        closes: Whether it is the last line of its code.
        rows: Of a table, the header row first.
    """

    kind: Kind
    runs: list[Run] = field(default_factory=list)
    level: int = 0
    depth: int = 0
    quotes: int = 0
    is_item: bool = False
    is_tight: bool = False
    opens: bool = False
    closes: bool = False
    rows: list[list[Cell]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One top-level piece of the source; what follows it never changes how it looks.

    Attributes:
        start: Source offset where it begins.
    """

    start: int
    blocks: tuple[Block, ...]


class _PositionedState(StateInline):
    """Notes in each token's `meta` where in the inline text it began."""

    pending_start = 0

    def append_pending(self, text: str) -> None:
        if not self.pending:
            self.pending_start = self.pos
        super().append_pending(text)

    def pushPending(self) -> Token:  # noqa: N802  (markdown-it's name)
        token = super().pushPending()
        token.meta["at"] = self.pending_start
        return token

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        token.meta["at"] = self.pos
        return token


class _PositionedInline(ParserInline):
    def parse(
        self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]
    ) -> list[Token]:
        state = _PositionedState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    parser.inline = _PositionedInline()
    parser.enable(["table", "strikethrough"])
    # Joined text tokens would lose their places; images would ask the network.
    parser.disable(["text_join", "fragments_join", "linkify", "image", "html_inline"])
    parser.disable(["html_block", "replacements", "smartquotes"])
    add_math(parser)
    return parser


_PARSER = _make_parser()


def parse(source: str, start: int = 0) -> list[Chunk]:
    """The chunks of `source[start:]`; all offsets count from the source's beginning."""
    # The same length, so that offsets hold.
    text = source[start:].replace("\r", " ").replace("\0", " ")
    return _Builder(text, start).build(_PARSER.parse(text))


class _Builder:
    """Walks block tokens once, from top to bottom."""

    def __init__(self, text: str, base: int) -> None:
        self._base = base
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._text = text
        self._cursor = 0
        self._lists: list[str] = []
        self._numbers: list[int] = []
        self._quotes = 0
        self._marker: Run | None = None
        self._blocks: list[Block] = []

    def build(self, tokens: list[Token]) -> list[Chunk]:
        chunks: list[Chunk] = []
        at = 0
        for index, token in enumerate(tokens):
            if token.level == 0 and token.nesting >= 0 and token.map:
                at = self._starts[token.map[0]]
            self._take(token, tokens[index - 1] if index else token)
            if token.level == 0 and token.nesting <= 0 and self._blocks:
                chunks.append(Chunk(self._base + at, tuple(self._blocks)))
                self._blocks = []
        return chunks

    def _take(self, token: Token, before: Token) -> None:
        match token.type:
            case "blockquote_open":
                self._quotes += 1
            case "blockquote_close":
                self._quotes -= 1
            case kind if "list" in kind:
                self._take_list(token)
            case "inline":
                self._add_inline(token, before)
            case _:
                self._take_block(token)

    def _take_list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                self._lists.append(token.type)
                self._numbers.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._numbers.pop()
            case "list_item_open":
                self._open_item(token)
            case _:
                self._flush_marker()

    def _take_block(self, token: Token) -> None:
        match token.type:
            case "fence" | "code_block":
                self._add_code(token)
            case "hr":
                self._add(Block("rule"))
            case "math_block":
                self._add_math(token)
            case "table_open":
                self._add(Block("table"))
            case "tr_open":
                self._blocks[-1].rows.append([])
            case _:
                pass

    def _add(self, block: Block) -> Block:
        block.depth = len(self._lists)
        block.quotes = self._quotes
        if self._marker is not None and block.kind != "table":
            block.runs.insert(0, self._marker)
            block.is_item = True
            self._marker = None
        self._blocks.append(block)
        return block

    def _open_item(self, token: Token) -> None:
        self._flush_marker()
        assert token.map is not None
        line = token.map[0]
        mark = token.info + token.markup if self._lists[-1].startswith("ordered") else token.markup
        limit = self._starts[line + 1]
        at = self._text.find(mark, max(self._cursor, self._starts[line]), limit)
        at = max(self._cursor, self._starts[line]) if at < 0 else at
        end = min(at + len(mark) + 1, limit - 1)
        self._cursor = max(end, at)
        if self._lists[-1].startswith("ordered"):
            shown = f"{self._numbers[-1]}."
            self._numbers[-1] += 1
        else:
            shown = "•◦▪"[(len(self._lists) - 1) % 3]
        self._marker = self._run(shown + "\t", PLAIN, at, self._cursor)

    def _flush_marker(self) -> None:
        """An empty item still shows its marker."""
        if self._marker is not None:
            self._add(Block("paragraph", is_tight=True))

    def _add_inline(self, token: Token, before: Token) -> None:
        places = self._places(token, before.type)
        runs = list(_Inline(self, token.children or [], places).runs())
        if before.type in ("th_open", "td_open"):
            style = str(before.attrGet("style") or "")
            align = next((side for side in ("center", "right") if side in style), "left")
            if before.type == "th_open":
                runs = [replace(run, style=replace(run.style, bold=True)) for run in runs]
            self._blocks[-1].rows[-1].append(Cell(tuple(runs), align))  # type: ignore[arg-type]
            return
        if before.type == "heading_open":
            self._add(Block("heading", level=int(before.tag[1])))
        else:
            self._add(Block("paragraph", is_tight=before.hidden))
        self._blocks[-1].runs += runs

    def _places(self, token: Token, parent: str) -> list[int]:
        """Text offset of each character of an inline token's content, and of its end."""
        assert token.map is not None
        places: list[int] = []
        for number, part in enumerate(token.content.split("\n"), start=token.map[0]):
            at = self._find(part, min(number, len(self._lines) - 1), parent)
            places += range(at, at + len(part) + 1)
            self._cursor = at + len(part)
        return places

    def _find(self, part: str, number: int, parent: str) -> int:
        """Where a line of content lies in its source line: at the end, but for cells."""
        first = max(self._starts[number], self._cursor)
        limit = self._starts[number + 1] - 1
        if parent in ("th_open", "td_open"):
            at = self._text.find(part, first, limit)
        else:
            at = self._text.rfind(part, first, limit)
        return at if at >= 0 else min(first, max(limit - len(part), self._starts[number]))

    def _add_code(self, token: Token) -> None:
        from app.markdown.highlight import highlight

        assert token.map is not None
        first = token.map[0]
        begin = len(self._blocks)
        if token.type == "fence":
            self._add_caption(token, first)
            first += 1
        offset = 0
        content = token.content.removesuffix("\n")
        pieces = deque(highlight(content, token.info))
        for number, line in enumerate(content.split("\n"), start=first):
            source_line = self._lines[min(number, len(self._lines) - 1)]
            at = self._starts[min(number, len(self._lines) - 1)]
            at += max(len(source_line) - len(line), 0)
            self._add_code_line(pieces, (offset, offset + len(line)), at)
            offset += len(line) + 1
            self._cursor = at + len(line)
        self._blocks[begin].opens = self._blocks[-1].closes = True

    def _add_caption(self, token: Token, line: int) -> None:
        name = token.info.strip()
        at = self._text.rfind(name, self._starts[line], self._starts[line + 1]) if name else 0
        if name and at >= 0:
            style = Style(code=True, quiet=True)
            self._add(Block("code")).runs.append(self._run(name, style, at, at + len(name)))

    def _add_code_line(
        self, pieces: deque[tuple[int, int, str, str]], span: tuple[int, int], at: int
    ) -> None:
        """The coloured pieces of one line."""
        block = self._add(Block("code"))
        start, end = span
        while pieces and pieces[0][0] < end:
            first, last, text, syntax = pieces[0]
            cut = text[max(start - first, 0) : end - first]
            begin = at + max(first, start) - start
            block.runs.append(
                self._run(cut, Style(code=True, syntax=syntax), begin, begin + len(cut))
            )
            if last > end:
                break
            pieces.popleft()
        while pieces and pieces[0][1] <= end:
            pieces.popleft()

    def _add_math(self, token: Token) -> None:
        assert token.map is not None
        start, end = self._starts[token.map[0]], self._starts[token.map[1]] - 1
        end = min(end, len(self._text))
        block = self._add(Block("maths"))
        block.runs.append(self.math_run(token.content, start, end))
        self._cursor = end

    def math_run(self, latex: str, start: int, end: int) -> Run:
        """A formula as readable text, or its source in monospace where that cannot be."""
        from app.markdown.latex import to_unicode

        shown = to_unicode(latex)
        if shown is None:
            return self._run(latex.strip(), Style(code=True), start, end)
        return self._run(shown, Style(maths=True), start, end)

    def _run(self, text: str, style: Style, start: int, end: int) -> Run:
        return Run(text, style, self._base + start, self._base + max(end, start))

    def place_run(self, text: str, style: Style, start: int, end: int) -> Run:
        """A run at text offsets."""
        return self._run(text, style, start, end)


class _Inline:
    """Runs of one inline token, in source order."""

    def __init__(self, builder: _Builder, children: list[Token], places: list[int]) -> None:
        self._builder = builder
        self._children = children
        self._places = places
        self._done = 0

    def runs(self) -> Iterator[Run]:
        style = PLAIN
        stack: list[Style] = []
        for child in self._children:
            if child.nesting == 1:
                stack.append(style)
                style = _nested(style, child)
            elif child.nesting == -1:
                style = stack.pop()
            else:
                run = self._leaf(child, style)
                if run is not None and run.text:
                    yield run

    def _leaf(self, child: Token, style: Style) -> Run | None:
        at = max(int(child.meta.get("at", self._done)), self._done)
        match child.type:
            case "text":
                return self._run(child.content, style, at, len(child.content))
            case "text_special":
                return self._run(child.content, style, at, len(child.markup))
            case "softbreak":
                return self._run(" ", style, at, 1)
            case "hardbreak":
                return self._run("\u2028", style, at, 1)
            case "code_inline":
                at += len(child.markup)
                return self._run(child.content, replace(style, code=True), at, len(child.content))
            case "math_inline":
                start = self._place(at)
                self._done = at + child.meta["length"]
                return self._builder.math_run(child.content, start, self._place(self._done))
            case _:
                return None

    def _run(self, text: str, style: Style, at: int, length: int) -> Run:
        self._done = at + length
        start = self._place(at)
        return self._builder.place_run(text, style, start, max(self._place(at + length), start))

    def _place(self, at: int) -> int:
        return self._places[min(at, len(self._places) - 1)]


def _nested(style: Style, token: Token) -> Style:
    match token.type:
        case "strong_open":
            return replace(style, bold=True)
        case "em_open":
            return replace(style, italic=True)
        case "s_open":
            return replace(style, strike=True)
        case "link_open":
            return replace(style, link=str(token.attrGet("href") or ""))
        case _:
            return style
