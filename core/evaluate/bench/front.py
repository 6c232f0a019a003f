"""Speed against quality: the points of a bench, and which of them nothing beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.engine.offers import offer_of
from core.engine.request import EXACT_STRATEGIES
from core.evaluate.bench.judged import Row
from core.events import Span

Quality = Literal["agreement", "accuracy", "likelihood", "rouge_l", "exact"]
QUALITIES: dict[Quality, str] = {
    "agreement": "Agreement",
    "accuracy": "Right answers",
    "likelihood": "Likelihood",
    "rouge_l": "ROUGE-L",
    "exact": "Exact matches",
}
"""Measures of quality, as they are named for a reader; for all of them more is better."""
PEER_NAMES = {
    "transformers_generate": "transformers' generate",
    "transformers_prompt_lookup": "transformers' prompt lookup",
    "transformers_assisted": "transformers' draft model",
    "transformers_mtp": "transformers' MTP heads",
}


@dataclass(frozen=True, slots=True)
class Point:
    """A way of decoding between speed and quality.

    Attributes:
        row: Its row of the report.
        speed: Times one-token decoding.
        is_best: Whether no other point is faster and better at once (the Pareto front).
    """

    row: Row
    label: str
    speed: Span
    quality: Span
    is_best: bool = False


def known_qualities(report: Row, family: str | None = None) -> list[Quality]:
    """The measures that a report's prompts allow, or those of a family."""
    intervals = _base(report, family)["intervals"]
    return [name for name in QUALITIES if intervals[name] is not None]


def rows_of(report: Row, family: str | None = None) -> list[Row]:
    """The baselines, then every other way, over all prompts or those of a family."""
    others = [one for one in report["results"] if one["family"] == family]
    return [
        *(_part(one, family) for one in report["baselines"].values()),
        *(one for one in others if one["strategy"] not in report["baselines"]),
    ]


def points(report: Row, quality: Quality, family: str | None = None) -> list[Point]:
    """The rows whose speed and quality are known, in their order."""
    found = [
        Point(row, label_of(row, report), tuple(row["intervals"]["speedup"]), tuple(quality_span))
        for row in rows_of(report, family)
        if row["intervals"]["speedup"] and (quality_span := row["intervals"][quality])
    ]
    return [replace(one, is_best=_is_best(one, found)) for one in found]


def label_of(row: Row, report: Row) -> str:
    """What to call a way of decoding; k_max only where it differs between some."""
    if row["strategy"] in PEER_NAMES:
        return PEER_NAMES[row["strategy"]]
    if row["strategy"] in EXACT_STRATEGIES:
        name = offer_of(row["strategy"]).name
        return f"{name}: {row['k_max'] - 1}" if row["strategy"] == "heads" else name
    name = f"Static {row['k_max']}" if row["strategy"] == "static_k" else f"{row['threshold']:g}"
    widths = {one["k_max"] for one in report["results"] if one["strategy"] == "confadapt"}
    show = row["strategy"] == "confadapt" and len(widths) > 1
    return f"{name}, k_max {row['k_max']}" if show else name


def _base(report: Row, family: str | None) -> Row:
    return _part(report["baselines"]["next_token"], family)


def _part(baseline: Row, family: str | None) -> Row:
    parts: list[Row] = [one for one in baseline["families"] if one["family"] == family]
    return parts[0] if parts else baseline


def _is_best(one: Point, others: Sequence[Point]) -> bool:
    mine = one.speed[0], one.quality[0]
    theirs = [(other.speed[0], other.quality[0]) for other in others]
    return not any(
        speed >= mine[0] and quality >= mine[1] and (speed, quality) != mine
        for speed, quality in theirs
    )
