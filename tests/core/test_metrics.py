"""The figures of an answer follow the definitions in the glossary."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.metrics import answer_figures, blocks_of, pieces_of
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


def test_a_block_is_what_a_pass_proposed_whoever_made_it_final() -> None:
    first = replace(pass_done(0, "a"), provisional=3)
    second = replace(
        pass_done(1, "b c d "), text="b c d ", pieces=("b ", "c ", "d "), confirmed=2, refused=1
    )
    blocks = blocks_of([first, second])
    assert [one.size for one in blocks] == [1 + 2, 1]
    assert [one.text for one in blocks] == [first.text + "b c ", "d "]
    assert [one.done for one in blocks] == [first, second]
    assert answer_figures([first, second]).block_sizes == (1, 3)


def test_where_a_trace_does_not_tell_its_text_is_spread_evenly() -> None:
    done = replace(pass_done(0, "x y z w"), text="abcd", pieces=())
    assert "".join(pieces_of(done)) == "abcd"
    assert len(pieces_of(done)) == len(done.token_ids)
