"""How two answers differ, word by word."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Owner = Literal["both", "first", "second"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive words and line ends that both texts have, or only one of them."""

    owner: Owner
    words: tuple[str, ...]


@functools.lru_cache(maxsize=4)  # the window asks for the same pair several times
def word_diff(first: str, second: str) -> tuple[Stretch, ...]:
    """Two texts as one: what only the first has stands before what the second has instead."""
    before, after = _words(first), _words(second)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    stretches = []
    for kind, i, j, m, n in matcher.get_opcodes():
        if kind == "equal":
            stretches.append(Stretch("both", tuple(before[i:j])))
            continue
        if i < j:
            stretches.append(Stretch("first", tuple(before[i:j])))
        if m < n:
            stretches.append(Stretch("second", tuple(after[m:n])))
    return tuple(stretches)


def _words(text: str) -> list[str]:
    return re.findall(r"\n|[^\s]+", text.strip())


def differing_words(stretches: Iterable[Stretch]) -> tuple[int, int]:
    """Words of the longer text that have no equal in the other's order, and all its words."""
    counts = {"both": 0, "first": 0, "second": 0}
    for one in stretches:
        counts[one.owner] += sum(word != "\n" for word in one.words)
    differ = max(counts["first"], counts["second"])
    return differ, counts["both"] + differ
