"""What Markdown is read into: chunks of blocks of runs, with their places in the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
