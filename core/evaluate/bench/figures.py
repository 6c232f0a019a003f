"""What a bench measured, as the rows of its report.

Speed is measured in every run: the report gives the median over the runs and its spread, lowest
and highest. What the answers say (tokens per pass, agreement, accuracy, what is kept) is taken
from the first run, for greedy answers do not change. `intervals` holds the same figures with what
a bootstrap over the prompts gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import sqrt
from statistics import median

from core.evaluate.bench.bench import BenchPlan
from core.evaluate.bench.intervals import Figures, Pair, figures_of
from core.evaluate.bench.judged import Judged, Round, Row, Runs
from core.evaluate.compare import best_of, compared
from core.evaluate.measure import GENERATE, NEXT_TOKEN, Measured, Way

NORMAL_QUANTILE = 1.959964  # of a two-sided interval that holds 95 %

EXAMPLES = 3
"""Prompts whose answers are shown."""


def report(plan: BenchPlan, measured: Runs) -> Row:
    """Results, baselines and groups of what has been measured so far.

    `results` has, for each way of decoding, a row over all prompts (`family` null) and one a
    family; `groups` the same over the prompts with a check and over those without. `advice` is
    the `threshold` and `k_max` to use (null for the adapter's own), with the `reason`; threshold
    null where there is none. Rows of that way say `is_advised`.
    Where not even one run is complete, the prompts measured so far stand for all.

    Args:
        plan: What was to be measured.
        measured: The complete rounds of each run.

    Raises:
        ValueError: if nothing was measured.
    """
    if not any(measured):
        raise ValueError("nothing was measured")
    complete = [run for run in measured if len(run) == len(plan.prompts)]
    runs = complete or measured[:1]
    count = len(runs[0])
    families = [one.family for one in plan.prompts[:count]]
    checked = [one.check is not None for one in plan.prompts[:count]]

    figures = {way: figures_of(_pairs(way, runs)) for way in plan.all_ways}
    best, reason = _best(plan, runs, figures)

    def rows(way: Way) -> list[Row]:
        named = [name for name in dict.fromkeys(families) if name is not None]
        parts = [(name, _only(runs, families, name)) for name in named]
        whole = _row(way, runs, figures[way]) | {"family": None}
        every = [whole, *(_row(way, part) | {"family": name} for name, part in parts)]
        return [row | {"is_advised": way == best} for row in every]

    groups = {"checkable": True, "open": False} if len(set(checked)) == 2 else {}
    baselines = {way.name: rows(way) for way in plan.baselines}
    return {
        "results": [row for way in plan.ways for row in rows(way)],
        "baselines": {
            name: whole | {"families": parts} for name, (whole, *parts) in baselines.items()
        },
        "groups": [
            _row(way, _only(runs, checked, value)) | {"group": name}
            for way in plan.all_ways
            for name, value in groups.items()
        ],
        "advice": {
            "threshold": best.threshold if best else None,
            "k_max": best.k_max if best else None,
            "reason": reason,
        },
        "examples": _examples(plan, runs, best),
        "prompts": count,
        "runs": len(runs),
        "complete": len(complete) == plan.runs,
        "max_new_tokens": plan.max_new_tokens,
        "draft": plan.draft,
        "heads": plan.heads,
        **asdict(plan.rule),
    }


def _only(runs: Runs, labels: Sequence[object], wanted: object) -> Runs:
    """The rounds of those prompts whose label is the wanted one."""
    places = [place for place, label in enumerate(labels) if label == wanted]
    return [[run[place] for place in places] for run in runs]


def _best(plan: BenchPlan, runs: Runs, figures: Mapping[Way, Figures]) -> tuple[Way | None, str]:
    """The way to use, if there is one, and why."""
    found = [compared(way, figures[way], _pairs(way, runs)[0]) for way in plan.all_ways]
    best, reason = best_of(found, len(plan.prompts))
    named = zip(plan.all_ways, found, strict=True)
    return next((way for way, one in named if one is best), None), reason


def _examples(plan: BenchPlan, runs: Runs, best: Way | None) -> list[Row]:
    """Some answers in their blocks: one-token decoding, and the way to use or the fastest."""
    shown = NEXT_TOKEN, best or max(plan.all_ways, key=lambda way: _times(runs, way, NEXT_TOKEN))
    return [
        {
            "prompt": prompt.prompt,
            "answers": [_shown(way, one[way].measured) for way in dict.fromkeys(shown)],
        }
        for prompt, one in zip(plan.prompts[:EXAMPLES], runs[0], strict=False)
    ]


def _shown(way: Way, measured: Measured) -> Row:
    named = {"strategy": way.name, "threshold": way.threshold, "k_max": measured.k_max}
    return named | {"blocks": list(measured.blocks), "sizes": list(measured.sizes)}


def _pairs(way: Way, runs: Runs) -> list[list[Pair]]:
    return [[(one[way], one[NEXT_TOKEN]) for one in run] for run in runs]


def _block_sizes(measured: Sequence[Measured]) -> list[int]:
    """How many passes added one token, two, ... up to the most there were."""
    counts = Counter(size for one in measured for size in one.sizes)
    return [counts[size] for size in range(1, max(counts, default=0) + 1)]


def _row(way: Way, runs: Runs, figures: Figures | None = None) -> Row:
    answers = [one[way] for one in runs[0]]
    measured = [one.measured for one in answers]
    tokens = sum(len(one.token_ids) for one in measured)
    rate, spread = _over_runs(runs, lambda run: _rate(run, way))
    has_generate = GENERATE in runs[0][0]
    return {
        "strategy": way.name,
        "threshold": way.threshold,
        "k_max": max(one.k_max for one in measured),
        "tokens_per_pass": tokens / max(1, sum(one.passes for one in measured)),
        "tokens_per_second": rate,
        "spread": spread,
        "speedup_vs_next_token": _times(runs, way, NEXT_TOKEN),
        "speedup_spread": _over_runs(runs, lambda run: _speedup(run, way))[1],
        "speedup_vs_transformers_generate": _times(runs, way, GENERATE) if has_generate else None,
        "seconds_ratio": _over_runs(runs, lambda run: _seconds_ratio(run, way))[0],
        "prefill_seconds": median(_prefill(run, way) for run in runs),
        "acceptance": acceptance(measured),
        "same_as_next_token": _same_as_next_token(runs, way),
        "agreement": sum(one.seen_by_base.agreed for one in answers) / max(1, tokens),
        "accuracy": accuracy(answers),
        "kept": kept(runs[0], way),
        "intervals": asdict(figures or figures_of(_pairs(way, runs))),
        "block_sizes": _block_sizes(measured),
        "peak_memory": max((one.peak_memory or 0 for one in measured), default=0) or None,
        "answers": len(answers),
        "tokens": tokens,
    }


def acceptance(measured: Sequence[Measured]) -> float | None:
    """Share of provisional tokens that a later pass confirmed; None where none were."""
    provisional = sum(one.provisional for one in measured)
    return sum(one.confirmed for one in measured) / provisional if provisional else None


def _same_as_next_token(runs: Runs, way: Way) -> float:
    """Share of answers, of all runs, with the very tokens of one-token decoding."""
    same = [
        one[way].measured.token_ids == one[NEXT_TOKEN].measured.token_ids
        for run in runs
        for one in run
    ]
    return sum(same) / max(1, len(same))


def _over_runs(
    runs: Runs, figure: Callable[[list[Round]], float]
) -> tuple[float, tuple[float, float]]:
    """Median of a figure over the runs, and its lowest and highest value."""
    values = [figure(run) for run in runs]
    return median(values), (min(values), max(values))


def _rate(run: list[Round], way: Way) -> float:
    """Tokens a second of a run: all later tokens over all their time."""
    measured = [one[way].measured for one in run]
    tokens = sum(one.later_tokens for one in measured)
    return _ratio(tokens, sum(one.decode_seconds for one in measured))


def _times(runs: Runs, way: Way, other: Way) -> float:
    """Ratio of the two median rates, both in the report, so that a reader can check it."""
    rate, other_rate = (median(_rate(run, one) for run in runs) for one in (way, other))
    return _ratio(rate, other_rate)


def _speedup(run: list[Round], way: Way) -> float:
    return _ratio(_rate(run, way), _rate(run, NEXT_TOKEN))


def _seconds_ratio(run: list[Round], way: Way) -> float:
    """Whole wall-clock time of one-token decoding over that of a way, prefill included."""
    whole = [sum(one[each].measured.seconds for one in run) for each in (NEXT_TOKEN, way)]
    return _ratio(*whole)


def _prefill(run: list[Round], way: Way) -> float:
    return sum(one[way].measured.prefill_seconds for one in run) / max(1, len(run))


def _ratio(one: float, other: float) -> float:
    return one / other if other > 0 else 0.0


def accuracy(answers: Sequence[Judged]) -> float | None:
    """Share of right answers among those with a check, None where there is no check."""
    checked = [one.is_right for one in answers if one.is_right is not None]
    return sum(checked) / len(checked) if checked else None


def kept(rounds: Sequence[Round], way: Way) -> Row | None:
    """Of the answers that one-token decoding gets right, how many a way gets right too.

    Returns:
        `share`, its 95 % `interval` (Wilson) and the counts `kept` of `right`; None where
        one-token decoding gets none right.
    """
    both = [one[way].is_right for one in rounds if one[NEXT_TOKEN].is_right]
    if not both:
        return None
    count = sum(map(bool, both))
    interval = wilson(count, len(both))
    return {"share": count / len(both), "interval": interval, "kept": count, "right": len(both)}


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927)."""
    share, z2 = hits / trials, NORMAL_QUANTILE**2
    middle = share + z2 / (2 * trials)
    half = NORMAL_QUANTILE * sqrt((share * (1 - share) + z2 / (4 * trials)) / trials)
    scale = 1 + z2 / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
