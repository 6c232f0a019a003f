"""Before and after: the ways of decoding held-out prompts, and the threshold to choose.

All ways take turns prompt by prompt (`core.evaluate.bench.bench`); what is said of them comes
with its interval (`core.evaluate.bench.intervals`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from core.control import Cancel
from core.evaluate.bench.bench import Bench, BenchPlan, SessionOf
from core.evaluate.bench.intervals import (
    NONE,
    Bootstrap,
    Figures,
    Pair,
    figures_of,
    ratio,
    span_of,
)
from core.evaluate.measure import Way
from core.events import ThresholdAdvised, WayCompared
from core.wording import many

if TYPE_CHECKING:
    from core.engine.session import Session

THRESHOLDS = (0.99, 0.95, 0.9, 0.8)
MARGIN = 0.02
"""How far below the base model's own figure a threshold's lower bound may lie."""
FEWEST_PROMPTS = 16
"""With fewer prompts the intervals are too wide for advice."""
ANSWER_TOKENS = 64


def compare(
    session: Session,
    base_model: Any,
    plan: BenchPlan,
    may_go_on: Callable[[int, int], bool],
    session_of: SessionOf | None = None,
) -> list[WayCompared | ThresholdAdvised]:
    """Measure a plan of one run on as many of its prompts as there is time for.

    Args:
        session: With the adapter.
        base_model: See `base_model_of`.
        plan: Its first baseline is one-token decoding by the base model, which all is held
            against.
        may_go_on: Called with the answers done and wanted; False ends the measuring.
        session_of: See `Bench`.

    Returns:
        What was found, the advice last if thresholds are among it; nothing if not even one
        prompt was done.
    """
    bench = Bench(session, plan, base_model, session_of)
    for done in bench.measure(Cancel()):
        if not may_go_on(done, plan.total):
            break
    rounds = bench.runs[0] if bench.runs else []
    if not rounds:
        return []
    found = []
    for way in plan.all_ways:
        pairs = [(one[way], one[plan.baselines[0]]) for one in rounds]
        found.append(compared(way, figures_of([pairs]), pairs))
    if any(way.name == "confadapt" for way in plan.ways):
        return [*found, advise(found, len(plan.prompts))]
    return list(found)


def repeated_words(blocks: Sequence[str]) -> tuple[int, int]:
    """Borders between blocks of text, and how many have the same word on both sides."""
    borders = repeated = 0
    text = ""
    for block in blocks:
        before, after = text.split(), block.split()
        if text and block:
            borders += 1
            # A block that goes on with a word begins without a blank: the words are one.
            apart = block[:1].isspace() or text[-1:].isspace()
            same = bool(before and after) and before[-1].casefold() == after[0].casefold()
            repeated += apart and same
        text += block
    return borders, repeated


def compared(way: Way, figures: Figures, pairs: Sequence[Pair]) -> WayCompared:
    """A way of decoding over some prompts."""
    borders = [repeated_words(own.measured.blocks) for own, _ in pairs]
    draws = Bootstrap(len(pairs))
    same, all_borders = draws.sums(one for _, one in borders), draws.sums(one for one, _ in borders)
    return WayCompared(
        strategy=way.name,
        threshold=way.threshold,
        prompts=len(pairs),
        tokens_per_pass=figures.tokens_per_pass,
        speedup=figures.speedup or NONE,
        agreement=figures.agreement,
        likelihood=figures.likelihood,
        repeated=span_of(ratio(same, all_borders)) or NONE,
        adapter=way.adapter,
    )


def advise(found: Sequence[WayCompared], wanted: int) -> ThresholdAdvised:
    """The fastest threshold whose agreement stays near the base model's.

    Near: the lower end of its interval is at most `MARGIN` below the agreement of the base
    model's own one-token decoding (in bfloat16 not quite 1). Faster: also at the lower end of
    the interval.

    Args:
        found: Of every way, that of the base model first.
        wanted: Prompts there were; time may have run out before all were decoded.
    """
    best, reason = best_of(found, wanted)
    return ThresholdAdvised(best.threshold if best else None, reason)


def best_of(found: Sequence[WayCompared], wanted: int) -> tuple[WayCompared | None, str]:
    """The way that `advise` would have one use, if there is one, and why."""
    base = found[0]
    if base.prompts < FEWEST_PROMPTS:
        of = many(wanted, "prompt")
        count = of if base.prompts == wanted else f"{base.prompts} of {of}"
        return None, (
            f"Too few prompts are measured to advise a threshold: {count}, where "
            f"{FEWEST_PROMPTS} are needed."
        )
    floor = base.agreement[0] - MARGIN
    own = [one for one in found if one.strategy == "confadapt" and not one.adapter]
    if not own:
        return None, "No threshold was measured."
    near = [one for one in own if one.agreement[1] >= floor]
    faster = [one for one in near if one.speedup[1] > 1.0]
    if not faster:
        why = "is surely faster" if near else f"surely keeps an agreement of {floor:.3f}"
        return None, f"No threshold {why} on these prompts."
    best = max(faster, key=lambda one: one.speedup[0])
    return best, (
        f"{best.speedup[0]:.2f} times one-token decoding; the lower bound of its agreement, "
        f"{best.agreement[1]:.3f}, is within two points of {floor + MARGIN:.3f}."
    )
