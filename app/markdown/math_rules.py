r"""Rules by which markdown-it finds formulas: `$x$`, `$$x$$`, `\(x\)` and `\[x\]`."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_PAIRS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_BLOCK_PAIRS = _PAIRS[:2]


def add_math(parser: MarkdownIt) -> None:
    """Teach a parser formulas."""
    parser.inline.ruler.before("escape", "math_inline", _math_inline)
    parser.block.ruler.before(
        "fence", "math_block", _math_block, {"alt": ["paragraph", "list", "blockquote"]}
    )


def _math_inline(state: StateInline, silent: bool) -> bool:
    source, start = state.src, state.pos
    for opening, closing in _PAIRS:
        if not source.startswith(opening, start):
            continue
        first = start + len(opening)
        last = source.find(closing, first, state.posMax)
        if last < 0 or not source[first:last].strip():
            return False
        if opening == "$" and not _is_formula(source, first, last):
            return False
        if not silent:
            token = state.push("math_inline", "", 0)
            token.content = source[first:last]
            token.meta["length"] = last + len(closing) - start
        state.pos = last + len(closing)
        return True
    return False


def _is_formula(source: str, first: int, last: int) -> bool:
    """Whether single dollars enclose a formula; "$5 and $6" is money."""
    after = source[last + 1 : last + 2]
    return not (
        source[first].isspace()
        or source[last - 1].isspace()
        or source[last - 1] == "\\"
        or after.isdigit()
        or "\n" in source[first:last]
    )


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    first = state.src[
        state.bMarks[start_line] + state.tShift[start_line] : state.eMarks[start_line]
    ]
    pair = next((pair for pair in _BLOCK_PAIRS if first.startswith(pair[0])), None)
    if pair is None:
        return False
    lines = [first[len(pair[0]) :]]
    line = start_line
    while not lines[-1].rstrip().endswith(pair[1]):
        line += 1
        if line >= end_line or state.sCount[line] < state.blkIndent:
            return False
        lines.append(state.getLines(line, line + 1, state.blkIndent, False))
    content = "\n".join(lines).rstrip().removesuffix(pair[1])
    if pair[1] in content:
        return False
    if not silent:
        token = state.push("math_block", "", 0)
        token.content = content
        token.map = [start_line, line + 1]
        state.line = line + 1
    return True
