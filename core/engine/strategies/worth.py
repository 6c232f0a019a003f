"""What proposals have been worth of late, by how many were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

EASE = 0.15
"""Weight of the latest pass."""
SHORTEST_WAIT, LONGEST_WAIT = 4, 32


class Worth:
    """Chooses how many proposals to have made before it is known how good they are.

    It may choose none where they have not been worth their cost; now and then it chooses all, to
    see whether that has changed.
    """

    def __init__(self) -> None:
        self._tokens: list[float] = []  # by number of proposals
        self._until_look, self._wait = 0, SHORTEST_WAIT

    @property
    def of_all(self) -> float:
        """What as many proposals as can be made are worth, in tokens."""
        return self._tokens[-1] if self._tokens else 0.0

    def best_count(self, most: int, price: Callable[[int], float]) -> int:
        """How many proposals bring most; `price` tells what so many cost, in tokens."""
        self._until_look -= 1
        if self._until_look < 0 or len(self._tokens) <= most:
            self._until_look = self._wait
            return most
        net = [self._tokens[count] - price(count) for count in range(most + 1)]
        best = net.index(max(net))
        self._wait = SHORTEST_WAIT if best else min(2 * self._wait, LONGEST_WAIT)
        return best

    def note(self, gains: Sequence[float]) -> None:
        """Take in what checking the first 0, 1, 2, ... of a pass's proposals promises."""
        best = 0.0
        for count, gain in enumerate(gains):
            best = max(best, gain)
            if count == len(self._tokens):
                self._tokens.append(best)
            self._tokens[count] += EASE * (best - self._tokens[count])
