"""A measured answer with what is known of it: plain data, free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.evaluate.measure import Measured, Way


@dataclass(frozen=True, slots=True)
class BaseView:
    """What the base model makes of an answer.

    Attributes:
        agreed: Tokens equal to its argmax after the same prefix. Over several answers, agreement
            is the sum of these over the sum of their tokens.
        log_likelihood: Mean log-likelihood of a token, in nats; 0.0 for an empty answer.
    """

    agreed: int
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How an answer compares with the prompt's reference.

    Attributes:
        exact: Whether it is the same but for blanks.
        rouge_l: F-measure of the longest common subsequence of words (Lin 2004).
    """

    exact: bool
    rouge_l: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A measured answer.

    Attributes:
        is_right: What the prompt's check says, None without one.
        base_view: What the base model makes of it; asked in the first run only.
        likeness: Held against the prompt's reference, None without one.
    """

    measured: Measured
    is_right: bool | None
    base_view: BaseView | None
    likeness: Likeness | None = None

    @property
    def seen_by_base(self) -> BaseView:
        """What the base model makes of an answer of the first run."""
        assert self.base_view is not None, "the first run has one of each answer"
        return self.base_view


Round = dict[Way, Judged]
"""All ways of decoding on one prompt in one run."""

Runs = list[list[Round]]
"""The complete rounds of each run, in the order of the prompts."""

Row = dict[str, Any]
"""Of a report, or the whole report (`core.evaluate.bench.figures.report`)."""


def likeness(reference: str, answer: str) -> Likeness:
    """Hold an answer against a reference, word by word without regard to case."""
    wanted, given = reference.split(), answer.split()
    common = _common_words([w.casefold() for w in wanted], [w.casefold() for w in given])
    total = len(wanted) + len(given)
    return Likeness(wanted == given, 2 * common / total if total else 1.0)


def _common_words(one: list[str], other: list[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        corner = 0
        for place, candidate in enumerate(other, 1):
            above = row[place]
            row[place] = corner + 1 if word == candidate else max(above, row[place - 1])
            corner = above
    return row[-1]
