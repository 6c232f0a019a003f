"""A report with an advised way, a dominated one and two widths: table, points, card, files."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from core.evaluate.bench.bench import BenchPlan
from core.evaluate.bench.card import bench_card, bench_headline, cells, heads
from core.evaluate.bench.figures import Row, report
from core.evaluate.bench.files import write_bench
from core.evaluate.bench.front import label_of, points, rows_of
from core.evaluate.bench.judged import BaseView, Judged, Round
from core.evaluate.bench.table import advice_line, bench_table
from core.evaluate.measure import GENERATE, NEXT_TOKEN, Measured, Way
from core.evaluate.prompts import BenchPrompt

FAST, SLOW, BOLD = Way("confadapt", 0.9, k_max=4), Way("confadapt", 0.9), Way("confadapt", 0.5)
SECONDS = {NEXT_TOKEN: 2.0, GENERATE: 2.2, FAST: 1.0, SLOW: 1.25, BOLD: 0.8}
AGREED = {NEXT_TOKEN: 20, GENERATE: 20, FAST: 20, SLOW: 19, BOLD: 12}
SIZES = {
    NEXT_TOKEN: (1,) * 20,
    GENERATE: (1,) * 20,
    FAST: (4,) * 5,
    SLOW: (8, 8, 4),
    BOLD: (10,) * 2,
}
ORIGIN = {
    "title": "made up",
    "model": "toy",
    "licence": "MIT",
    "adapter": "its own",
    "day": "now",
    "device": "cpu",
    "dtype": "float32",
    "stride": "0.1",
    "mtp_off_reason": "",
    "machine": {"cpu": "some", "cores": 2, "gpus": [], "torch": "2", "transformers": "5"}
    | {"device": "cpu", "dtype": "float32"},
}


def judged(way: Way, run: int) -> Judged:
    measured = Measured(
        "text",
        tuple(range(20)),
        len(SIZES[way]),
        way.k_max or 8,
        19,
        0.1,
        SECONDS[way] * (1 + run / 10),
        SECONDS[way] + 0.1,
        tuple("ab"[n % 2] * size for n, size in enumerate(SIZES[way])),
        SIZES[way],
    )
    return Judged(measured, None, BaseView(AGREED[way], -0.1) if run == 0 else None)


def made_up(prompts: int = 20) -> Row:
    """Two runs of all ways over prompts of two families."""
    plan = BenchPlan(
        tuple(BenchPrompt(f"prompt {n}", "odd" if n % 2 else "even") for n in range(prompts)),
        (FAST, SLOW, BOLD),
        runs=2,
    )
    rounds: list[list[Round]] = [
        [{way: judged(way, run) for way in plan.all_ways} for _ in plan.prompts] for run in (0, 1)
    ]
    return report(plan, rounds) | ORIGIN


REPORT = made_up()


def test_the_advised_way_is_named_everywhere_alike() -> None:
    assert REPORT["advice"]["threshold"] == 0.9
    assert REPORT["advice"]["k_max"] == 4
    assert bench_headline(REPORT) == (
        "Threshold 0.9, k_max 4: 2.00 times as fast as one token a pass, agreement 100.0%"
    )
    assert "Use threshold 0.9, k_max 4" in advice_line(REPORT["advice"])
    assert [row["is_advised"] for row in rows_of(REPORT)] == [False, False, True, False, False]
    assert advice_line(REPORT["advice"]) in bench_table(REPORT)


def test_only_what_nothing_beats_is_on_the_front() -> None:
    found = {one.label: one.is_best for one in points(REPORT, "agreement")}
    assert found == {
        "One token a pass": False,  # as good as the fast one, and slower
        "transformers' generate": False,
        "0.9, k_max 4": True,
        "0.9, k_max 8": False,
        "0.5, k_max 8": True,
    }


def test_a_family_has_its_own_rows() -> None:
    rows = rows_of(REPORT, "odd")
    assert [row["answers"] for row in rows] == [10] * 5
    assert [row["family"] for row in rows] == ["odd"] * 5
    assert len(cells("x", rows[0], ["agreement"])) == len(heads(["agreement"]))


def test_a_speed_that_cannot_be_told_is_no_point() -> None:
    row = rows_of(REPORT)[2] | {"intervals": rows_of(REPORT)[2]["intervals"] | {"speedup": None}}
    assert cells(label_of(row, REPORT), row, [])[1] == "–"
    other = REPORT | {"results": [row]}
    assert [one.label for one in points(other, "agreement")] == [
        "One token a pass",
        "transformers' generate",
    ]


def test_the_card_says_all_of_it_and_opens_offline() -> None:
    page = bench_card(REPORT)
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page)
    for words in (
        "medians of 2 runs",
        "not lossless",
        "toy (MIT)",
        "adapter its own",
        "Stride 0.1",
    ):
        assert words in page
    assert page.count("<svg") == 2  # agreement, likelihood
    assert page.count('class="dot best"') == 2 + 1  # likelihoods are equal: only the fastest
    assert page.count('<span class="block') == 3 * (20 + 5)  # three prompts, two answers each


@pytest.mark.parametrize("ending", ["csv", "json", "html"])
def test_the_files_hold_the_same_figures(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"bench.{ending}"
    write_bench(REPORT, out)
    text = out.read_text(encoding="utf-8")
    if ending == "csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert len(rows) == 5 + 6  # all prompts, then two families of three ways
        assert rows[2]["speedup"] == "2.0"
        assert (rows[2]["agreement"], rows[2]["agreement_low"]) == ("1.0", "1.0")
    elif ending == "json":
        assert json.loads(text) == json.loads(json.dumps(REPORT))
    else:
        assert text == bench_card(REPORT)


def test_with_few_prompts_nothing_is_advised() -> None:
    few = made_up(4)
    assert bench_headline(few) == "No threshold is advised"
    assert "threshold: 4 prompts" in advice_line(few["advice"])
