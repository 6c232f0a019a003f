"""Code into coloured pieces, by Pygments; the pieces keep their places in the code."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

LIMIT = 15_000
"""Longer code stays uncoloured: lexing it again and again while it grows would be felt."""

Piece = tuple[int, int, str, str]
"""Start, end, text, and the name of a colour in the theme (empty for ordinary text)."""


def highlight(code: str, language: str) -> Iterator[Piece]:
    """Pieces of `code` in order, without gaps."""
    lexer = _lexer(language.split()[0].lower()) if language.strip() else None
    if lexer is None or len(code) > LIMIT:
        yield 0, len(code), code, ""
        return
    for start, kind, text in lexer.get_tokens_unprocessed(code):
        yield start, start + len(text), text, _colour(str(kind).removeprefix("Token."))


@functools.cache
def _lexer(name: str) -> Any:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(name)
    except ClassNotFound:
        return None


_FAMILIES = (
    ("Comment", "comment"),
    ("Keyword", "keyword"),
    ("Operator.Word", "keyword"),
    ("Literal.String", "string"),
    ("Literal.Number", "number"),
    ("Name.Function", "name"),
    ("Name.Class", "name"),
    ("Name.Tag", "keyword"),
    ("Name.Attribute", "name"),
    ("Name.Decorator", "name"),
    ("Name.Builtin", "builtin"),
    ("Generic.Deleted", "keyword"),
    ("Generic.Inserted", "string"),
)


@functools.cache
def _colour(kind: str) -> str:
    return next((colour for family, colour in _FAMILIES if kind.startswith(family)), "")
