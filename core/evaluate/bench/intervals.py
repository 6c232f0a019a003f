"""Figures over prompts, with 95 % intervals from a bootstrap over the prompts (Efron 1979).

Prompts are drawn again with replacement, and every figure is computed anew from the sums of those
drawn. Arrays hold the figure over all prompts first, then one for each draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluate.bench.judged import Judged
from core.events import Span

DRAWS = 1000

Pair = tuple[Judged, Judged]
"""A way's answer, and that of the base model's one-token decoding to the same prompt."""

Draws = NDArray[np.float64]
NONE: Span = (0.0, 0.0, 0.0)
"""Of answers without a token."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Every figure of a way of decoding, with its interval; None for one that no prompt allows.

    Attributes:
        speedup: Tokens a second over those of the base model's one-token decoding, side by side;
            None where every answer was over after its first pass.
        agreement: Share of tokens that equal the base model's argmax.
        likelihood: Of a token under the base model, over that in its own answers (geometric mean).
        accuracy: Share of right answers among those with a check.
        exact: Share of answers equal to their reference.
        rouge_l: Mean likeness to the reference.
    """

    tokens_per_pass: Span
    speedup: Span | None
    agreement: Span
    likelihood: Span
    accuracy: Span | None
    exact: Span | None
    rouge_l: Span | None


class Bootstrap:
    """The draws of some prompts: the same for every figure over as many prompts."""

    def __init__(self, prompts: int) -> None:
        everyone = np.arange(prompts)
        drawn = np.random.default_rng(0).integers(prompts, size=(DRAWS, prompts))
        self._picks = np.vstack([everyone, drawn])

    def sums(self, values: Iterable[float]) -> Draws:
        """A sum over prompts."""
        picked: Draws = np.asarray(list(values), dtype=np.float64)[self._picks]
        summed: Draws = picked.sum(axis=1)
        return summed


def ratio(above: Draws, below: Draws) -> Draws:
    """Their quotient; not a number where nothing was counted below."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def span_of(values: Draws) -> Span | None:
    """The figure and the interval that holds 95 % of the draws; None where nothing was counted."""
    if np.isnan(values[0]):
        return None
    low, high = np.nanquantile(values[1:], (0.025, 0.975))
    return round(float(values[0]), 4), round(float(low), 4), round(float(high), 4)


def figures_of(runs: Sequence[Sequence[Pair]]) -> Figures:
    """The figures of a way of decoding.

    Args:
        runs: A pair for each prompt of each run. Speed is that of the median run on either
            side; all else is taken from the first run, for greedy answers do not change.
    """
    pairs, draws = runs[0], Bootstrap(len(runs[0]))
    own = [judged for judged, _ in pairs]
    tokens = draws.sums(len(one.measured.token_ids) for one in own)
    passes = draws.sums(one.measured.passes for one in own)
    agreed = draws.sums(one.seen_by_base.agreed for one in own)
    gains = (
        one.seen_by_base.log_likelihood - base.seen_by_base.log_likelihood for one, base in pairs
    )
    likelihood = np.exp(draws.sums(gains) / len(pairs))
    rates = [np.median([_rate(draws, run, side) for run in runs], axis=0) for side in (0, 1)]
    alike = [one.likeness for one in own]
    return Figures(
        tokens_per_pass=span_of(ratio(tokens, passes)) or NONE,
        speedup=span_of(ratio(*rates)),
        agreement=span_of(ratio(agreed, tokens)) or NONE,
        likelihood=span_of(likelihood) or NONE,
        accuracy=_mean_of_known(draws, [one.is_right for one in own]),
        exact=_mean_of_known(draws, [one.exact if one else None for one in alike]),
        rouge_l=_mean_of_known(draws, [one.rouge_l if one else None for one in alike]),
    )


def _rate(draws: Bootstrap, run: Sequence[Pair], side: int) -> Draws:
    """Tokens a second: all later tokens over all their time; not a number where none came."""
    measured = [pair[side].measured for pair in run]
    tokens = draws.sums(one.later_tokens for one in measured)
    return ratio(tokens, draws.sums(one.decode_seconds for one in measured))


def _mean_of_known(draws: Bootstrap, values: Sequence[float | None]) -> Span | None:
    if all(one is None for one in values):
        return None
    above = draws.sums(one or 0.0 for one in values)
    return span_of(ratio(above, draws.sums(one is not None for one in values)))
