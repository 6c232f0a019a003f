r"""Formulas as readable Unicode: `\frac{a+b}{2}` becomes `(a+b)/2`, `x^{n+1}` `xⁿ⁺¹`.

What cannot be read that way (matrices, unknown commands) is left to the caller, who shows the
source: a formula that reads wrong is worse than one that reads plainly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from app.markdown.latex_symbols import ACCENTS, DOUBLE_STRUCK, SUBSCRIPTS, SUPERSCRIPTS, SYMBOLS

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|[^\\\s]", re.DOTALL)
_PLAIN_GROUPS = {"text", "mathrm", "textbf", "mathbf", "mathit", "operatorname", "textit", "mbox"}
_PLAIN_GROUPS |= {"mathcal", "boldsymbol", "mathsf", "bm", "textrm", "mathtt", "texttt", "boxed"}
_LINED = {"aligned", "align", "align*", "equation", "equation*", "gather", "gather*", "split"}
_ROOTS = {"2": "√", "": "√", "3": "∛", "4": "∜"}
_MAX_DEPTH = 40


class _UnreadableError(Exception):
    """The formula has no readable form in plain text."""


def to_unicode(latex: str) -> str | None:
    """The formula as text; None where its source reads better."""
    try:
        shown = _Reader(latex).read()
    except _UnreadableError:
        return None
    return re.sub(r" {2,}", " ", shown).strip(" \u2028") or None


class _Reader:
    """Recursive descent over LaTeX tokens."""

    def __init__(self, latex: str) -> None:
        self._tokens = _TOKEN.findall(latex)
        self._at = 0
        self._depth = 0

    def read(self) -> str:
        text = "".join(self._until(None))
        if self._at < len(self._tokens):
            raise _UnreadableError
        return text

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise _UnreadableError
        self._at += 1
        return str(self._tokens[self._at - 1])

    def _peek(self) -> str:
        return str(self._tokens[self._at]) if self._at < len(self._tokens) else ""

    def _until(self, closing: str | None) -> Iterator[str]:
        while self._at < len(self._tokens):
            if self._peek() == closing:
                self._at += 1
                return
            if self._peek() == "}":
                raise _UnreadableError
            yield self._one()
        if closing is not None:
            raise _UnreadableError

    def _one(self) -> str:
        """The next token with all its arguments."""
        token = self._next()
        if token == "{":
            return self._group()
        if token == "^":
            return _script(self._argument(), SUPERSCRIPTS, "^")
        if token == "_":
            return _script(self._argument(), SUBSCRIPTS, "_")
        if token in "&~":
            return " "
        if token.isspace():
            return " "
        if token == "-":
            return "−"
        if token == "'":
            return "′"
        return self._command(token[1:]) if token.startswith("\\") else token

    def _group(self) -> str:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _UnreadableError
        text = "".join(self._until("}"))
        self._depth -= 1
        return text

    def _argument(self) -> str:
        while self._peek().isspace():
            self._at += 1
        if self._peek() in ("^", "_", "}", ""):
            raise _UnreadableError
        return self._one()

    def _command(self, name: str) -> str:
        if name in _COMMANDS:
            return _COMMANDS[name](self)
        if name in _PLAIN_GROUPS:
            return self._verbatim() if name in ("text", "mbox", "textrm") else self._argument()
        if name in ACCENTS:
            return "".join(char + ACCENTS[name] for char in self._argument())
        if name not in SYMBOLS:
            raise _UnreadableError
        symbol = SYMBOLS[name]
        if name in ("left", "right") and self._peek() == ".":
            self._at += 1
        return symbol if not name.isalpha() or len(symbol) < 2 else _spaced(symbol, self._peek())

    def _verbatim(self) -> str:
        """Words in braces, blanks and all."""
        return self._argument() if self._peek() == "{" else self._one()

    def fraction(self) -> str:
        """`a/b`, with brackets where they are needed."""
        above, below = self._argument().strip(), self._argument().strip()
        return f"{_bracketed(above)}/{_bracketed(below)}"

    def root(self) -> str:
        """`√x` or, of another degree, `ⁿ√x`."""
        degree = ""
        if self._peek() == "[":
            self._at += 1
            degree = "".join(self._until("]"))
        sign = _ROOTS.get(degree) or _script(degree, SUPERSCRIPTS, "") + "√"
        return sign + _bracketed(self._argument().strip())

    def binomial(self) -> str:
        """`C(n, k)`."""
        return f"C({self._argument().strip()}, {self._argument().strip()})"

    def double_struck(self) -> str:
        """Letters of number sets."""
        return "".join(DOUBLE_STRUCK.get(char, char) for char in self._argument())

    def begin(self) -> str:
        """Aligned lines are read line by line; matrices are not."""
        if self._environment() not in _LINED:
            raise _UnreadableError
        return ""

    def end(self) -> str:
        """The end of aligned lines."""
        self._environment()
        return ""

    def _environment(self) -> str:
        return self._argument().strip()

    def remainder(self) -> str:
        """`(mod n)`."""
        return f" (mod {self._argument().strip()})"

    def negated(self) -> str:
        """A relation struck through."""
        return self._argument() + "\u0338"


_COMMANDS: dict[str, Callable[[_Reader], str]] = {
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac"), _Reader.fraction),
    **dict.fromkeys(("binom", "dbinom", "tbinom"), _Reader.binomial),
    "sqrt": _Reader.root,
    "mathbb": _Reader.double_struck,
    "begin": _Reader.begin,
    "end": _Reader.end,
    "pmod": _Reader.remainder,
    "not": _Reader.negated,
}


def _script(text: str, characters: Mapping[str, str], sign: str) -> str:
    """Raised or lowered characters, or the sign with brackets where some do not exist."""
    plain = text.replace("−", "-")
    if all(char in characters for char in plain):
        return "".join(characters[char] for char in plain)
    return sign + (text if len(text) == 1 else f"({text})")


def _bracketed(text: str) -> str:
    return text if re.fullmatch(r"[\w.′⁰-⁹²³¹₀-₉ⁿ]+", text) else f"({text})"


def _spaced(name: str, following: str) -> str:
    """`sin x`, not `sinx`, but `sin(x)`."""
    return name + " " if following.isalnum() or following.startswith("\\") else name
