"""The figures of an answer follow the definitions in the glossary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.metrics import answer_figures
from tests.core.streams import pass_done, passes


def test_figures_of_a_known_answer() -> None:
    figures = answer_figures(passes())
    assert figures.block_sizes == (1, 2, 4)
    assert (figures.tokens, figures.passes) == (7, 3)
    assert figures.tokens_per_pass == pytest.approx(7 / 3)
    # The first pass holds the prefill: neither its token nor its time counts.
    assert figures.tokens_per_second == pytest.approx(6 / 0.04)
    assert figures.prefill_seconds == pytest.approx(0.02)


@pytest.mark.parametrize("count", [0, 1])
def test_no_rate_where_nothing_was_measured(count: int) -> None:
    figures = answer_figures(passes()[:count])
    assert figures.tokens_per_second == 0.0
    assert figures.tokens_per_pass == float(count)


@given(st.lists(st.integers(min_value=1, max_value=16), min_size=1, max_size=20))
def test_sizes_add_up(sizes: list[int]) -> None:
    figures = answer_figures(pass_done(i, "x " * size) for i, size in enumerate(sizes))
    assert figures.block_sizes == tuple(sizes)
    assert figures.tokens == sum(sizes)
    assert 1 <= figures.tokens_per_pass <= 16
