"""Markdown into laid-out blocks whose every character knows its place in the source.

Pass colours are a second layer over the same characters and need exactly that. No raw HTML, no
pictures from the network.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.markdown.blocks import PLAIN, Block, Cell, Chunk, Run, Style
from app.markdown.inline import PositionedInline, inline_runs, math_run
from app.markdown.math_rules import add_math


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    parser.inline = PositionedInline()
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
        runs = list(inline_runs(token.children or [], places))
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
        """Source offset of each character of an inline token's content, and of its end."""
        assert token.map is not None
        places: list[int] = []
        for number, part in enumerate(token.content.split("\n"), start=token.map[0]):
            at = self._find(part, min(number, len(self._lines) - 1), parent)
            places += range(self._base + at, self._base + at + len(part) + 1)
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
        block.runs.append(math_run(token.content, self._base + start, self._base + end))
        self._cursor = end

    def _run(self, text: str, style: Style, start: int, end: int) -> Run:
        """A run at text offsets."""
        return Run(text, style, self._base + start, self._base + max(end, start))
