"""The bench on the toy: order, warm-up, what it counts, what a cancel leaves; and its figures."""

from __future__ import annotations

import pytest

from core.control import Cancel
from core.errors import Cancelled, KnownError
from core.evaluate.bench.bench import Bench, BenchPlan
from core.evaluate.bench.figures import kept, report, wilson
from core.evaluate.bench.judged import BaseView, Judged
from core.evaluate.measure import GENERATE, NEXT_TOKEN, Measured, Way
from core.evaluate.prompts import BenchPrompt
from tests.core.engine.harness import toy_session

FAST = Way("confadapt", 0.3)
PROMPTS = (
    BenchPrompt("one", "letters", {"kind": "equals", "answers": ["never"]}),
    BenchPrompt("two", "talk"),
    BenchPrompt("three"),
)


def new_bench(session=None, **plan):
    session = session or toy_session()
    wanted = {"prompts": PROMPTS, "ways": (FAST,), "max_new_tokens": 12, "runs": 2} | plan
    return Bench(session, BenchPlan(**wanted), session.loaded.model)


def measure_until(answers, bench, stop):
    for done in bench.measure(stop):
        if done == answers:
            stop.set()


def test_the_whole_report():
    bench = new_bench()
    assert list(bench.measure(Cancel()))[-1] == bench.plan.total == 18
    result = report(bench.plan, bench.runs)
    assert [row["family"] for row in result["results"]] == [None, "letters", "talk"]
    whole = result["results"][0]
    assert whole["strategy"] == "confadapt"
    assert (whole["threshold"], whole["k_max"]) == (0.3, 8)
    assert whole["tokens_per_pass"] > 1
    assert 0 < whole["agreement"] < 1
    assert whole["accuracy"] == 0.0
    assert whole["kept"] is None
    assert result["results"][2]["accuracy"] is None
    base = result["baselines"]["next_token"]
    assert base["agreement"] == base["speedup_vs_next_token"] == base["tokens_per_pass"] == 1.0
    low, high = base["spread"]
    assert low <= base["tokens_per_second"] <= high
    ratio = whole["tokens_per_second"] / base["tokens_per_second"]
    assert whole["speedup_vs_next_token"] == pytest.approx(ratio)
    assert result["baselines"]["transformers_generate"]["agreement"] == 1.0
    assert {row["group"] for row in result["groups"]} == {"checkable", "open"}
    assert (result["prompts"], result["runs"], result["complete"]) == (3, 2, True)


def test_the_ways_take_turns_and_the_first_rotates(monkeypatch):
    order = []

    def answer(self, way, prompt, limit, cancel):
        order.append((prompt.prompt, way, limit))
        return Measured("", (1,), 1, 1, 0, 0.1, 0.0, 0.1)

    monkeypatch.setattr(Bench, "_answer", answer)
    list(new_bench(max_new_tokens=90).measure(Cancel()))
    assert [(prompt, limit) for prompt, _, limit in order[:3]] == [("one", 24)] * 3
    measured = order[3:]
    assert [prompt for prompt, *_ in measured] == sorted(["one"] * 3) + ["two"] * 3 + [
        "three"
    ] * 3 + ["one"] * 3 + ["two"] * 3 + ["three"] * 3
    assert [way for _, way, _ in measured[::3]][:3] == [NEXT_TOKEN, GENERATE, FAST]
    assert measured[9][1] == GENERATE  # the second run begins with another way


def test_a_cancel_leaves_only_complete_rounds():
    bench, stop = new_bench(), Cancel()
    with pytest.raises(Cancelled):
        measure_until(7, bench, stop)
    result = report(bench.plan, bench.runs)
    assert (result["prompts"], result["runs"], result["complete"]) == (2, 1, False)


def test_an_unfinished_second_run_does_not_count():
    bench, stop = new_bench(), Cancel()
    with pytest.raises(Cancelled):
        measure_until(13, bench, stop)
    result = report(bench.plan, bench.runs)
    assert (result["prompts"], result["runs"], result["complete"]) == (3, 1, False)


def test_equal_answers_are_looked_at_once(monkeypatch):
    counted = []
    monkeypatch.setattr(
        Bench,
        "_base_view",
        lambda self, index, ids: counted.append(ids) or BaseView(len(ids), 0.0),
    )
    list(new_bench(toy_session(adapter=False), prompts=PROMPTS[:1]).measure(Cancel()))
    assert len(counted) == 1


def test_a_prompt_beyond_the_context_is_refused_before_measuring():
    with pytest.raises(KnownError, match="tokens, but the model reads at most 256"):
        new_bench(prompts=(*PROMPTS, BenchPrompt("x" * 400)))


def judged(*, right, tokens=11, seconds=1.0):
    measured = Measured("", tuple(range(tokens)), tokens, 8, tokens - 1, 0.5, seconds, 2.0)
    return Judged(measured, right, BaseView(tokens, 0.0))


def fabricated(runs):
    """A bench whose first run is given as (right under next_token, right under confadapt)."""
    bench = Bench.__new__(Bench)
    count = len(runs[0])
    bench.plan = BenchPlan(tuple(BenchPrompt(str(i), None, {}) for i in range(count)), (FAST,))
    bench.runs = [
        [
            {NEXT_TOKEN: judged(right=a), GENERATE: judged(right=a, seconds=2), FAST: fast}
            for a, fast in run
        ]
        for run in runs
    ]
    return bench


def report_of(runs):
    bench = fabricated(runs)
    return report(bench.plan, bench.runs)


def test_rates_are_medians_over_runs_with_their_spread():
    runs = [[(True, judged(right=True, seconds=each))] for each in (0.5, 0.1, 0.25)]
    row = report_of(runs)["results"][0]
    assert row["tokens_per_second"] == pytest.approx(40)
    assert row["spread"] == pytest.approx((20, 100))
    assert row["speedup_vs_next_token"] == pytest.approx(4)
    assert row["speedup_vs_transformers_generate"] == pytest.approx(8)
    assert row["speedup_spread"] == pytest.approx((2, 10))
    assert row["seconds_ratio"] == 1.0


def test_kept_counts_only_what_one_token_decoding_gets_right():
    pairs = [(True, True)] * 3 + [(True, False)] + [(False, True)] * 5
    run = [(a, judged(right=b)) for a, b in pairs]
    bench = fabricated([run])
    assert report(bench.plan, bench.runs)["results"][0]["accuracy"] == pytest.approx(8 / 9)
    found = kept(bench.runs[0], FAST)
    assert found is not None
    assert (found["kept"], found["right"], found["share"]) == (3, 4, 0.75)
    assert kept(bench.runs[0][4:], FAST) is None


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(97, 100, 0.9155, 0.9897), (10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775)],
)
def test_wilsons_interval(hits, trials, low, high):
    assert wilson(hits, trials) == pytest.approx((low, high), abs=1e-3)


def test_an_answer_of_one_token_has_no_rate():
    run = [(None, judged(right=None, tokens=1, seconds=0.0))]
    row = report_of([run])["results"][0]
    assert row["tokens_per_second"] == row["speedup_vs_next_token"] == 0.0
    assert row["accuracy"] is None
