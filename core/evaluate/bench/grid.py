"""Which ways of decoding a bench measures: strategies times thresholds times k_max, or presets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from core.control import Threshold
from core.engine.offers import why_not
from core.engine.request import K_MAX_LIMIT, STRATEGIES, Strategy
from core.errors import KnownError
from core.evaluate.bench.peers import possible_peers
from core.evaluate.measure import GENERATE, NEXT_TOKEN, Way, way_of

if TYPE_CHECKING:
    from core.engine.session import Session

N = TypeVar("N", int, float)

SETTINGS: dict[Strategy, tuple[tuple[float, int | None], ...]] = {
    "static_k": ((0.0, 2), (0.0, 3)),
    "confadapt": ((0.99, None), (0.95, None), (0.9, None), (0.8, None)),
    "heads": ((0.0, 2), (0.0, 3), (0.0, 5), (0.0, 9)),
}
"""Threshold and k_max with which a strategy is set beside transformers' ways; others have none.

One, two, four and eight heads give at most a token more than there are of them.
"""


def with_peers(session: Session) -> tuple[Way, ...]:
    """Transformers' ways of decoding and ours besides the baselines, if what is loaded allows."""
    ours = [one for one in STRATEGIES if not why_not(one, session.info)]
    ways = [Way(peer, 1.0) for peer in possible_peers(session)] + [
        way_of(strategy, threshold, k_max)
        for strategy in ours
        for threshold, k_max in SETTINGS.get(strategy, ((1.0, None),))
    ]
    return tuple(way for way in ways if way not in (NEXT_TOKEN, GENERATE))


def grid(strategies: Iterable[str], thresholds: str, widths: str = "") -> tuple[Way, ...]:
    """Every strategy at every threshold and k_max that it reads, each way once.

    Args:
        strategies: Their names.
        thresholds: As "0.99, 0.9"; for heads always 0.0, which lets their worth alone decide.
        widths: Values of k_max, as "4, 8"; empty for the adapter's own.

    Raises:
        KnownError: for what is no number, no threshold or no strategy.
    """
    values = [Threshold(one).value for one in _numbers("thresholds", thresholds, float)]
    k_max: Sequence[int | None] = _numbers("k_max", widths, int) if widths.strip() else [None]
    for width in k_max:
        if width is not None and not 1 <= width <= K_MAX_LIMIT:
            raise KnownError(f"k_max must lie between 1 and {K_MAX_LIMIT}, not {width}.")
    ways: dict[Way, None] = {}
    for wished in strategies:
        name = next((one for one in STRATEGIES if one == wished.strip()), None)
        if name is None:
            known = ", ".join(STRATEGIES)
            raise KnownError(f"There is no strategy {wished.strip()!r}.", f"Use {known}.")
        held = [0.0] if name == "heads" else values
        ways |= dict.fromkeys(way_of(name, value, width) for width in k_max for value in held)
    return tuple(ways)


def _numbers(name: str, text: str, kind: Callable[[str], N]) -> list[N]:
    try:
        return [kind(one) for one in text.split(",")]
    except ValueError as error:
        raise KnownError(
            f"Of {name}, {text!r} are no numbers.", "Write them as 0.99, 0.9 or 4, 8."
        ) from error
