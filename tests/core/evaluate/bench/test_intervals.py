"""Figures over prompts: their values, what their intervals hold, and what is missing."""

from __future__ import annotations

import pytest

from core.evaluate.bench.intervals import figures_of
from core.evaluate.bench.judged import BaseView, Judged, Likeness, likeness
from core.evaluate.measure import Measured


def answer(
    tokens: int,
    passes: int,
    *,
    seconds: float = 1.0,
    right: bool | None = None,
    alike: Likeness | None = None,
    agreed: int | None = None,
) -> Judged:
    measured = Measured("", tuple(range(tokens)), passes, 8, tokens - 1, 0.5, seconds, 2.0)
    return Judged(measured, right, BaseView(tokens if agreed is None else agreed, -0.1), alike)


def test_an_interval_holds_its_value_and_is_a_point_where_all_agree() -> None:
    pairs = [(answer(tokens, 5), answer(tokens, tokens)) for tokens in range(5, 30)]
    value, low, high = figures_of([pairs]).tokens_per_pass
    assert low < value < high
    assert value == pytest.approx(sum(range(5, 30)) / 125)
    same = [(answer(10, 5, agreed=8), answer(10, 10))] * 4
    found = figures_of([same])
    assert found.tokens_per_pass == (2.0, 2.0, 2.0)
    assert found.agreement == (0.8, 0.8, 0.8)
    assert found.likelihood == (1.0, 1.0, 1.0)


def test_speed_is_that_of_the_median_runs() -> None:
    runs = [[(answer(11, 5, seconds=each), answer(11, 11))] * 3 for each in (0.5, 0.1, 0.25)]
    assert figures_of(runs).speedup == (4.0, 4.0, 4.0)


def test_only_prompts_with_a_check_or_a_reference_count_for_it() -> None:
    half = Likeness(exact=False, rouge_l=0.5)
    pairs = [
        (answer(5, 5, right=True), answer(5, 5)),
        (answer(5, 5, right=False, alike=half), answer(5, 5)),
        (answer(5, 5), answer(5, 5)),
    ]
    found = figures_of([pairs])
    assert found.accuracy is not None
    assert found.accuracy[0] == 0.5
    assert (found.exact, found.rouge_l) == ((0.0, 0.0, 0.0), (0.5, 0.5, 0.5))
    assert figures_of([pairs[2:]]).accuracy is None


def test_answers_of_one_pass_have_no_speed() -> None:
    pairs = [(answer(1, 1, seconds=0.0), answer(1, 1, seconds=0.0))] * 2
    assert figures_of([pairs]).speedup is None


@pytest.mark.parametrize(
    ("reference", "given", "exact", "rouge"),
    [
        ("the cat sat", "the  cat\nsat", True, 1.0),
        ("the cat sat", "The cat", False, 0.8),
        ("a b c d", "d c b a", False, 0.25),
        ("a", "b", False, 0.0),
        ("", "", True, 1.0),
    ],
)
def test_likeness_to_a_reference(reference: str, given: str, exact: bool, rouge: float) -> None:
    assert likeness(reference, given) == Likeness(exact, pytest.approx(rouge))
