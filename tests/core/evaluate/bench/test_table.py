"""The table of a bench: every figure with its interval, in lines that a terminal does not break."""

from __future__ import annotations

from typing import Any

from core.evaluate.bench.table import bench_table

NO_GENERATE = {"speedup_vs_transformers_generate": None}


def row(strategy: str, threshold: float = 1.0, k_max: int = 1, **more: Any) -> dict[str, Any]:
    intervals = {
        "speedup": (2.11, 1.93, 2.28),
        "tokens_per_pass": (3.28, 2.98, 3.6),
        "agreement": (0.9842, 0.978, 0.99),
        "accuracy": (0.88, 0.82, 0.93),
    }
    return {
        "strategy": strategy,
        "threshold": threshold,
        "k_max": k_max,
        "family": None,
        "tokens_per_second": 51.23,
        "spread": (50.1, 52.0),
        "speedup_vs_transformers_generate": 2.05,
        "acceptance": None,
        "kept": {"kept": 184, "right": 204, "interval": (0.853, 0.936)},
        "intervals": intervals,
    } | more


def report(*ways: dict[str, Any], **more: Any) -> dict[str, Any]:
    baselines = {name: row(name) for name in ("next_token", "transformers_generate")}
    return {
        "model": "toy",
        "adapter": None,
        "machine": {"device": "cpu", "dtype": "float32"},
        "prompts": 450,
        "runs": 3,
        "checks": True,
        "baselines": baselines,
        "results": list(ways),
        "groups": [],
        "advice": {"threshold": None, "k_max": None, "reason": "too few."},
    } | more


def test_figures_stand_with_their_intervals_within_80_columns() -> None:
    way = row("confadapt", 0.95, 8)
    lines = bench_table(report(way, way | {"family": "explanations"})).splitlines()
    speed, quality = (line for line in lines if line.startswith("confadapt 0.95"))
    assert "2.11 [1.93, 2.28]" in speed
    assert "3.28 [2.98, 3.60]" in speed
    assert "51.2 (50.1-52.0)" in speed
    assert "0.984 [0.978, 0.990]" in quality
    assert "0.88 [0.82, 0.93]" in quality
    assert "184/204 [0.85, 0.94]" in quality
    assert max(map(len, lines)) <= 80


def test_several_widths_are_told_apart_within_100_columns() -> None:
    lines = bench_table(report(row("confadapt", 0.95, 8), row("confadapt", 0.95, 4))).splitlines()
    assert sum(line.startswith("confadapt 0.95, k_max 4 ") for line in lines) == 2
    assert max(map(len, lines)) <= 100


def test_what_is_not_known_takes_no_room() -> None:
    bare = {"intervals": row("x")["intervals"] | {"accuracy": None}, "kept": None, **NO_GENERATE}
    found = report(row("static_k", k_max=4, **bare), baselines={"next_token": row("x", **bare)})
    table = bench_table(found)
    assert "static_k 4" in table
    assert not any(word in table for word in ("accuracy", "kept", "generate"))


def test_parts_stand_below_their_way() -> None:
    fast, slow = row("confadapt", 0.9), row("confadapt", 0.99)
    parts = [fast, fast | {"family": "lists"}, slow, slow | {"family": "lists"}]
    groups = [one | {"group": "open"} for one in (fast, slow)]
    first = bench_table(report(*parts, groups=groups)).split("\n\n")[1].splitlines()
    assert [line.split("  ")[0] or line.split()[0] for line in first[3:]] == [
        *("confadapt 0.9", "open", "lists"),
        *("confadapt 0.99", "open", "lists"),
    ]


def test_a_report_without_checks_says_so() -> None:
    note = "Likely slots were dropped, not checked."
    assert note not in bench_table(report(row("confadapt")))
    assert note in bench_table(report(row("confadapt"), checks=False)).splitlines()
    assert note not in bench_table(report(row("verified"), checks=False))


def test_where_draws_agree_the_figure_stands_alone() -> None:
    sure = row("confadapt")["intervals"] | {"speedup": (1.0, 1.0, 1.0)}
    line = bench_table(report(row("confadapt", 0.9, 1, intervals=sure))).splitlines()[6]
    assert line.split("  ")[1].strip() == "1.00"
