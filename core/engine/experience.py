"""What a session has learned from its passes: what they cost, and how often proposals hold.

A verified pass pays for every provisional token it checks, and a refused one makes the mask rows
behind it void. How many are worth it depends on the machine and the text, so both are measured
while answers are decoded; nothing of it changes what is answered, only how quickly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from statistics import linear_regression, median

MOST_ROWS = 48
"""Wider passes read prompts; they say nothing about the ones that follow."""
REMEMBERED = 64
USUAL_SLOPE = 0.03
"""Cost of one more row, as a share of a pass, until it is measured."""
_EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
_PRIOR = 4.0


class _Line:
    """Seconds of a pass as a line over its width, through the medians of what was measured."""

    def __init__(self) -> None:
        self._measured: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)
        self._line: tuple[float, float] | None = None

    def note(self, width: int, seconds: float) -> None:
        self._measured.append((width, seconds))
        self._line = None

    def seconds(self, width: int) -> float | None:
        """None where nothing was measured."""
        if not self._measured:
            return None
        if self._line is None:
            self._line = self._fitted()
        slope, intercept = self._line
        return intercept + slope * width

    def _fitted(self) -> tuple[float, float]:
        by_width = defaultdict(list)
        for width, seconds in self._measured:
            by_width[width].append(seconds)
        widths = list(by_width)
        medians = [median(one) for one in by_width.values()]
        slope = USUAL_SLOPE * medians[0]
        if len(widths) > 1:
            # Never below nothing: a disturbed measurement must not make rows a gift.
            slope = max(0.0, linear_regression(widths, medians).slope)
        return slope, sum(medians) / len(medians) - slope * sum(widths) / len(widths)


class PassCosts:
    """Seconds of a pass by its rows; passes with mask rows also pay for their adapter."""

    def __init__(self) -> None:
        self._plain, self._masked = _Line(), _Line()

    def note(self, rows: int, masks: int, seconds: float) -> None:
        """Remember what a pass of real and mask rows took."""
        if rows + masks <= MOST_ROWS:
            (self._masked if masks else self._plain).note(rows + masks, seconds)

    def seconds(self, rows: int, masks: int) -> float:
        """What such a pass takes; 1.0 a pass, plus the usual slope, before any was measured."""
        first, second = self._plain, self._masked
        if masks:
            first, second = second, first
        found = first.seconds(rows + masks)
        found = second.seconds(rows + masks) if found is None else found
        return 1.0 + USUAL_SLOPE * (rows + masks) if found is None else found


class Chances:
    """How often a proposal of a given confidence holds, as counted so far.

    A confidence is taken at its word until there is experience near it.
    """

    def __init__(self) -> None:
        self._tried = [0] * (len(_EDGES) + 1)
        self._held = [0] * (len(_EDGES) + 1)

    def of(self, confidence: float) -> float:
        """The chance that a proposal holds whose predecessors hold, 0..1."""
        at = bisect_right(_EDGES, confidence)
        return (self._held[at] + _PRIOR * confidence) / (self._tried[at] + _PRIOR)

    def note(self, confidences: Sequence[float], held: int) -> None:
        """The first `held` proposals of these confidences held, and the next one, if any, fell."""
        for n, confidence in enumerate(confidences[: held + 1]):
            at = bisect_right(_EDGES, confidence)
            self._tried[at] += 1
            self._held[at] += n < held


class Pace:
    """Tokens a second of the latest passes: what a second is worth."""

    def __init__(self) -> None:
        self._latest: deque[tuple[int, float]] = deque(maxlen=REMEMBERED // 2)

    def note(self, tokens: int, seconds: float) -> None:
        """Remember a pass."""
        self._latest.append((tokens, seconds))

    def tokens_per_second(self, otherwise: float) -> float:
        """Of the latest passes; `otherwise` before there are any."""
        seconds = sum(seconds for _, seconds in self._latest)
        return sum(tokens for tokens, _ in self._latest) / seconds if seconds > 0 else otherwise


class Experience:
    """Everything that a session has learned from its passes."""

    def __init__(self) -> None:
        self.costs = PassCosts()
        self.heads = _Line()
        self.pace = Pace()
        self.chances: defaultdict[str, Chances] = defaultdict(Chances)

    def price(self, rows: int, masks: int) -> float:
        """What mask rows cost a pass of so many real rows, in tokens decoded in that time."""
        seconds = self.costs.seconds
        return self._rate() * (seconds(rows, masks) - seconds(rows, 0))

    def row_price(self, masks: int) -> float:
        """What one more real row costs a pass with or without mask rows, in tokens."""
        seconds = self.costs.seconds
        return self._rate() * (seconds(2, masks) - seconds(1, masks))

    def head_price(self) -> float:
        """What one more head's proposal costs to make, in tokens."""
        seconds = self.heads.seconds
        one, two = seconds(1), seconds(2)
        return 0.0 if one is None or two is None else self._rate() * (two - one)

    def _rate(self) -> float:
        return self.pace.tokens_per_second(otherwise=1 / self.costs.seconds(1, 0))


def gains(chances: Sequence[float], row_price: float, refusal: float) -> list[float]:
    """What checking the first 0, 1, 2, ... proposals brings, in tokens.

    Args:
        chances: For each proposal the chance that it holds if those before it do.
        row_price: Cost of one more row in the checking pass, in tokens.
        refusal: What a refused proposal costs besides, in tokens: new proposals are void then.
    """
    found, expected, survival = [0.0], 0.0, 1.0
    for count, chance in enumerate(chances, 1):
        survival *= chance
        expected += survival
        found.append(expected - (1 - survival) * refusal - row_price * count)
    return found
