"""The Markdown of a bench: a row a way over all prompts, then a column a family."""

from __future__ import annotations

from dataclasses import replace

from core.evaluate.bench.bench import BenchPlan
from core.evaluate.bench.figures import Row, report
from core.evaluate.bench.markdown import bench_markdown
from core.evaluate.measure import GENERATE, NEXT_TOKEN, Way
from core.evaluate.prompts import BenchPrompt
from tests.core.evaluate.bench.test_card import FAST, ORIGIN, REPORT, judged

ASSISTED = Way("transformers_assisted", 1.0)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def tables(text: str) -> list[list[list[str]]]:
    """The cells of every table, without the rule below its head."""
    parts = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    return [[cells(line) for at, line in enumerate(part) if at != 1] for part in parts]


def of_a_gpu(**more: object) -> Row:
    """A bench of assisted generation whose answers differ in one prompt of two."""
    plan = BenchPlan(
        (BenchPrompt("a", "odd"), BenchPrompt("b", "even")), (ASSISTED,), runs=1, **more
    )
    rounds = []
    for changed in (0, 1):
        same = judged(FAST, 0)
        ids = tuple(one + changed for one in same.measured.token_ids)
        peak = 3 * (1 << 20)
        drafted = replace(
            same.measured, token_ids=ids, provisional=10, confirmed=4, peak_memory=peak
        )
        both = {way: judged(way, 0) for way in plan.baselines}
        rounds.append({**both, ASSISTED: replace(same, measured=drafted)})
    return report(plan, [rounds]) | ORIGIN


def test_every_way_has_a_row_and_every_family_a_column() -> None:
    whole, families = tables(bench_markdown(REPORT))
    ways = ["next_token", "generate", "confadapt 0.9", "confadapt 0.9", "confadapt 0.5"]
    assert [row[0] for row in whole] == [row[0] for row in families] == ["", *ways]
    head = ["", "tokens a second", "times `generate`", "tokens per pass", "same answers"]
    assert whole[0] == [*head, "agreement"]
    assert whole[3][1:5] == ["18.1 (17.3-19.0)", "2.20", "4.00", "1.000"]
    assert families[0] == ["", "even", "odd", "all"]
    assert families[3] == ["confadapt 0.9", "2.20", "2.20", "2.20"]


def test_the_bars_of_a_table_stand_below_each_other() -> None:
    for part in bench_markdown(REPORT).split("\n\n"):
        if part.startswith("|"):
            assert len({len(line) for line in part.splitlines()}) == 1


def test_what_drafts_is_weighed_and_named() -> None:
    text = bench_markdown(of_a_gpu(draft="tiny"))
    whole, _ = tables(text)
    row = dict(zip(whole[0], whole[-1], strict=True))
    assert (row[""], row["acceptance"], row["same answers"]) == (
        "generate, assisted",
        "0.40",
        "0.500",
    )
    assert row["peak memory"] == "3 MiB"
    assert "Draft model: tiny." in text
    assert "The process held" not in text


def test_without_generate_speed_is_held_against_one_token_decoding() -> None:
    bare = REPORT | {"baselines": {"next_token": REPORT["baselines"]["next_token"]}}
    whole, _ = tables(bench_markdown(bare))
    assert whole[0][2] == "times `next_token`"
    assert whole[2][2] == "2.00"
    assert GENERATE.name not in bench_markdown(bare)
    assert NEXT_TOKEN.name in bench_markdown(bare)
