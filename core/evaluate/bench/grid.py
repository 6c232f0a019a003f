"""Which ways of decoding a bench measures: strategies times thresholds times k_max."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from core.control import Threshold
from core.engine.request import K_MAX_LIMIT, STRATEGIES
from core.errors import KnownError
from core.evaluate.measure import Way, way_of

N = TypeVar("N", int, float)


def grid(strategies: Iterable[str], thresholds: str, widths: str = "") -> tuple[Way, ...]:
    """Every strategy at every threshold and k_max that it reads, each way once.

    Args:
        strategies: Their names.
        thresholds: As "0.99, 0.9".
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
        ways |= dict.fromkeys(way_of(name, value, width) for width in k_max for value in values)
    return tuple(ways)


def _numbers(name: str, text: str, kind: Callable[[str], N]) -> list[N]:
    try:
        return [kind(one) for one in text.split(",")]
    except ValueError as error:
        raise KnownError(
            f"Of {name}, {text!r} are no numbers.", "Write them as 0.99, 0.9 or 4, 8."
        ) from error
