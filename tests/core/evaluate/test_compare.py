"""Before and after: figures with intervals, and advice that says when it has none."""

from __future__ import annotations

import pytest

from core.evaluate.bench.bench import BenchPlan
from core.evaluate.bench.intervals import NONE, figures_of
from core.evaluate.bench.judged import BaseView, Judged
from core.evaluate.compare import (
    FEWEST_PROMPTS,
    THRESHOLDS,
    advise,
    compare,
    compared,
    repeated_words,
)
from core.evaluate.measure import NEXT_TOKEN, Measured, Way
from core.evaluate.prompts import BenchPrompt
from core.events import ThresholdAdvised, WayCompared
from tests.core.engine.harness import toy_session


def way(
    threshold: float, speedup: float, agreement: float, lower: float, prompts: int = 20
) -> WayCompared:
    strategy = "next_token" if threshold == 1.0 else "confadapt"
    spans = (2.0, 1.9, 2.1), (speedup, speedup, speedup), (agreement, lower, 1.0), (0.9, 0.8, 1.0)
    return WayCompared(strategy, threshold, prompts, *spans, NONE)


def plan_of(prompts: list[BenchPrompt]) -> BenchPlan:
    ways = tuple(Way("confadapt", one) for one in THRESHOLDS)
    return BenchPlan(tuple(prompts), ways, 64, runs=1, baselines=(NEXT_TOKEN,))


BASE = way(1.0, 1.0, 0.99, 0.98)


def test_the_fastest_way_near_the_base_is_advised() -> None:
    found = [BASE, way(0.99, 1.2, 0.99, 0.98), way(0.9, 1.8, 0.98, 0.971), way(0.8, 2.5, 0.9, 0.8)]
    advice = advise(found, 20)
    assert advice.threshold == 0.9
    assert "1.80 times" in advice.reason


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([way(1.0, 1.0, 1.0, 1.0, prompts=5)], "threshold: 5 of 20 prompts"),
        ([BASE, way(0.9, 1.5, 0.9, 0.8)], "surely keeps"),
        ([BASE, way(0.9, 0.9, 0.99, 0.98)], "surely faster"),
    ],
)
def test_without_grounds_there_is_no_advice(found, said) -> None:
    advice = advise(found, 20)
    assert advice.threshold is None
    assert said in advice.reason


@pytest.mark.parametrize(
    ("blocks", "counts"),
    [
        ((), (0, 0)),
        (("one two",), (0, 0)),
        (("The", " the", " cat"), (2, 1)),
        (("straw", "berry", " berry"), (2, 0)),
        (("a b", " b c", " d"), (2, 1)),
    ],
)
def test_words_repeated_at_block_borders(blocks, counts) -> None:
    assert repeated_words(blocks) == counts


def test_repeated_words_come_with_their_interval() -> None:
    def judged(*blocks: str) -> Judged:
        measured = Measured("", (1, 2, 3), 3, 8, 2, 0.5, 1.0, 2.0, blocks=blocks)
        return Judged(measured, None, BaseView(3, -0.1), None)

    stammers, speaks = judged("The", " the", " cat"), judged("The", " cat", " sat")
    pairs = [(one, speaks) for one in (*[stammers] * 3, *[speaks] * 5)]
    value, low, high = compared(Way("confadapt", 0.9), figures_of([pairs]), pairs).repeated
    assert value == 3 / 16
    assert 0 <= low < value < high


def test_all_ways_are_measured_on_the_toy() -> None:
    session = toy_session()
    prompts = [BenchPrompt(f"say {n}") for n in range(3)]
    *ways, advice = compare(session, session.loaded.model, plan_of(prompts), lambda *_: True)
    assert [one.threshold for one in ways] == [1.0, 0.99, 0.95, 0.9, 0.8]
    assert ways[0].tokens_per_pass == (1.0, 1.0, 1.0)
    assert ways[0].speedup == (1.0, 1.0, 1.0)
    assert ways[0].likelihood == (1.0, 1.0, 1.0)
    assert isinstance(advice, ThresholdAdvised)
    assert FEWEST_PROMPTS > 3
    assert advice.threshold is None


def test_measuring_ends_when_its_time_is_up() -> None:
    session = toy_session()
    prompts = [BenchPrompt(f"say {n}") for n in range(4)]
    found = compare(session, session.loaded.model, plan_of(prompts), lambda done, _: done < 6)
    assert found[0].prompts == 1
    assert compare(session, session.loaded.model, plan_of(prompts), lambda *_: False) == []
