"""The race: one prompt, several ways of decoding on the same weights, each measured alone.

After a warm-up all are measured several times in turn; each is represented by its median run,
the one whose whole wall-clock time is in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from core.control import Cancel
from core.engine.request import Request
from core.evaluate.measure import Measured, Way, decode_answer
from core.events import GenerationEvent

if TYPE_CHECKING:
    from core.engine.session import Session

WARM_UP_TOKENS = 24
LAP_TIMES = ("seconds", "prefill_seconds", "decode_seconds")
"""What is kept of every run, by the names of `Measured`."""

Lap = tuple[Measured, tuple[GenerationEvent, ...]]


@dataclass(frozen=True, slots=True)
class Racer:
    """All runs of one way of decoding, and how far its answer agrees with the base model."""

    way: Way
    laps: tuple[Lap, ...]
    agreement: float

    @property
    def seconds(self) -> float:
        """Median time of the whole answer, prompt to text."""
        return median(lap[0].seconds for lap in self.laps)

    @property
    def tokens_per_second(self) -> float:
        """Median rate after the first pass."""
        return median(lap[0].tokens_per_second for lap in self.laps)

    @property
    def median_lap(self) -> Lap:
        """The run whose time is in the middle (of an even number the faster one)."""
        ordered = sorted(self.laps, key=lambda lap: lap[0].seconds)
        return ordered[(len(ordered) - 1) // 2]


class Race:
    """Some ways of decoding on one prompt.

    Args:
        session: The loaded model.
        request: The prompt; strategy and k_max are those of each way in turn.
        ways: Strategies with their thresholds.
        runs: How often each is measured.
        base_model: What agreement is measured against; see `base_model_of`.
    """

    def __init__(
        self,
        session: Session,
        request: Request,
        ways: Sequence[Way],
        runs: int,
        base_model: Any,
    ) -> None:
        self.ways = tuple(dict.fromkeys(ways))
        self._session, self._request, self._runs = session, request, runs
        self._base = base_model
        self._laps: dict[Way, list[Lap]] = {one: [] for one in self.ways}

    @property
    def total(self) -> int:
        """How many answers are measured."""
        return self._runs * len(self.ways)

    def measure(self, cancel: Cancel) -> Iterator[int]:
        """Measure everything, yielding how many answers are done.

        Raises:
            Cancelled: if a stop was asked for.
            KnownError: see `Session.stream`.
        """
        wished = self._request.max_new_tokens
        limit = WARM_UP_TOKENS if wished is None else min(WARM_UP_TOKENS, wished)
        for way in self.ways:
            self._decode(way, limit, cancel)
        done = 0
        for _ in range(self._runs):
            for way in self.ways:
                self._laps[way].append(self._decode(way, wished, cancel))
                done += 1
                yield done

    def racers(self) -> list[Racer]:
        """In the order of the ways; only those measured at least once."""
        return [
            Racer(way, tuple(laps), self._agreement(laps[0][0]))
            for way, laps in self._laps.items()
            if laps
        ]

    def _decode(self, way: Way, limit: int | None, cancel: Cancel) -> Lap:
        request = replace(
            self._request, strategy=way.strategy, k_max=way.k_max, max_new_tokens=limit
        )
        return decode_answer(self._session, request, way.threshold, cancel)

    def _agreement(self, measured: Measured) -> float:
        from core.evaluate.agreement import answer_agreement

        messages = self._request.messages
        return answer_agreement(self._session, self._base, messages, measured.token_ids)


def race_report(racers: Sequence[Racer]) -> dict[str, Any]:
    """A row a racer; the speed-up of the last over the first by whole wall-clock times.

    An answer that is shorter is also sooner done: `rate_ratio` compares tokens a second.
    """
    rows = [_row(racer) for racer in racers]
    report: dict[str, Any] = {"results": rows, "speedup": None, "rate_ratio": None}
    if len(rows) > 1:
        slow, fast = rows[0], rows[-1]
        report["speedup"] = slow["seconds"] / fast["seconds"]
        rate = slow["tokens_per_second"]
        report["rate_ratio"] = fast["tokens_per_second"] / rate if rate else 0.0
        report["same_answer"] = slow["text"] == fast["text"]
    return report


def _row(racer: Racer) -> dict[str, Any]:
    shown = racer.median_lap[0]
    every = [lap[0] for lap in racer.laps]
    seconds = [one.seconds for one in every]
    rates = [one.tokens_per_second for one in every]
    return {
        "strategy": racer.way.name,
        "threshold": racer.way.threshold,
        "k_max": shown.k_max,
        "runs": len(every),
        "tokens": len(shown.token_ids),
        "passes": shown.passes,
        "tokens_per_pass": shown.tokens_per_pass,
        "tokens_per_second": racer.tokens_per_second,
        "spread": (min(rates), max(rates)),
        "seconds": racer.seconds,
        "seconds_spread": (min(seconds), max(seconds)),
        "laps": [{name: getattr(one, name) for name in LAP_TIMES} for one in every],
        "prefill_seconds": median(one.prefill_seconds for one in every),
        "agreement": racer.agreement,
        "text": shown.text,
    }
