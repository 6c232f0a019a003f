"""The report of a bench as a table for a terminal."""

from __future__ import annotations

from typing import Any


def bench_table(result: dict[str, Any]) -> str:
    """The baselines and every way, then groups and families, then what to use."""
    machine, adapter = result["machine"], result["adapter"] or "no adapter"
    baselines = list(result["baselines"].values())
    ways = [row for row in result["results"] if row["strategy"] not in result["baselines"]]
    lines = [
        f"{result['model']}, {adapter}, {machine['device']}, {machine['dtype']}",
        f"{result['prompts']} prompts, median of runs [lowest, highest], {result['runs']} run(s)",
        "",
        HEADINGS,
        *(_line(row, _way_text(row)) for row in baselines),
        *(_line(row, _way_text(row)) for row in ways if row["family"] is None),
    ]
    for title, key, rows in (("Groups", "group", result["groups"]), ("Families", "family", ways)):
        named = [row for row in rows if row[key] and row["strategy"] not in result["baselines"]]
        if named:
            lines += ["", title]
            lines += [_line(row, f"  {row[key]}, {_way_text(row)}") for row in named]
    return "\n".join([*lines, "", advice_line(result["advice"])])


def advice_line(advice: dict[str, Any]) -> str:
    """What a report advises, in a sentence."""
    if advice["threshold"] is None:
        return f"No advice: {advice['reason']}"
    k_max = f", k_max {advice['k_max']}" if advice["k_max"] else ""
    return f"Use threshold {advice['threshold']:g}{k_max}: {advice['reason']}"


HEADINGS = (
    f"{'':36}{'per pass':>9}{'tokens a second':>24}{'speed-up':>9}{'generate':>9}"
    f"{'agreement':>10}{'accuracy':>9}  kept"
)


def _way_text(row: dict[str, Any]) -> str:
    if row["strategy"] == "confadapt":
        return f"confadapt {row['threshold']:g}, k_max {row['k_max']}"
    return str(row["strategy"])


def _line(row: dict[str, Any], label: str) -> str:
    low, high = row["spread"]
    rate = f"{row['tokens_per_second']:.1f} [{low:.1f}, {high:.1f}]"
    over_generate = row["speedup_vs_transformers_generate"]
    generate = "-" if over_generate is None else f"{over_generate:.2f}"
    accuracy = "-" if row["accuracy"] is None else f"{row['accuracy']:.2f}"
    return (
        f"{label:36}{row['tokens_per_pass']:>9.2f}{rate:>24}"
        f"{row['speedup_vs_next_token']:>9.2f}{generate:>9}"
        f"{row['agreement']:>10.3f}{accuracy:>9}  {_kept_text(row['kept'])}"
    )


def _kept_text(kept: dict[str, Any] | None) -> str:
    if kept is None:
        return "-"
    low, high = kept["interval"]
    return f"{kept['kept']} of {kept['right']} ({kept['share']:.1%}, {low:.1%} to {high:.1%})"
