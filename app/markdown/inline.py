"""Inline Markdown into runs whose every character knows its place in the source.

markdown-it-py keeps no offsets for inline text, so its inline state is subclassed to note where
each token began.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from app.markdown.blocks import PLAIN, Run, Style


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


class PositionedInline(ParserInline):
    """Tokens say in `meta["at"]` where in the inline text they began."""

    def parse(
        self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]
    ) -> list[Token]:
        state = _PositionedState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def inline_runs(children: list[Token], places: list[int]) -> Iterator[Run]:
    """The runs of one inline text, in source order.

    Args:
        children: Its tokens.
        places: Source offset of each of its characters, and of its end.
    """
    return _Walk(children, places).runs()


def math_run(latex: str, start: int, end: int) -> Run:
    """A formula as readable text, or its source in monospace where that cannot be."""
    from app.markdown.latex import to_unicode

    shown = to_unicode(latex)
    if shown is None:
        return Run(latex.strip(), Style(code=True), start, end)
    return Run(shown, Style(maths=True), start, end)


class _Walk:
    """Goes through the tokens of one inline text once; gives its runs in source order."""

    def __init__(self, children: list[Token], places: list[int]) -> None:
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
                return math_run(child.content, start, self._place(self._done))
            case _:
                return None

    def _run(self, text: str, style: Style, at: int, length: int) -> Run:
        self._done = at + length
        start = self._place(at)
        return Run(text, style, start, max(self._place(at + length), start))

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
