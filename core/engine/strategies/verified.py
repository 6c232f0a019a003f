"""Verified decoding: the model's own next tokens, several a pass, nothing given away.

The pass that reads a block anew for the cache gives the model's own choice behind each of its
tokens, too (2602.06019, future work: self-speculative verification). So proposals stay
provisional until the next pass has checked them; where one falls, the model's own token takes its
place, and the mask rows behind it, which had read the fallen one, are void.
"""

from __future__ import annotations

from core.engine.experience import Experience, gains
from core.engine.strategies.decision import Decision, Seen
from core.engine.strategies.prompt_lookup import PromptLookup

EASE = 0.15
"""Weight of the latest pass in what mask rows are thought to be worth."""
SHORTEST_WAIT, LONGEST_WAIT = 4, 32


class Verified:
    """Proposes as many mask rows' tokens as their checking is likely to be worth.

    It may leave mask rows out where they have not been worth their cost of late; now and then a
    pass gets all of them, to see whether that has changed.

    Args:
        experience: What the session has learned of costs and chances.
        lookup: Proposals from the text so far; the better of both is taken.
    """

    is_exact = True

    def __init__(self, experience: Experience, lookup: PromptLookup) -> None:
        self._experience, self._lookup = experience, lookup
        self._worth: list[float] = []  # by number of mask rows, in tokens
        self._until_look, self._wait = 0, SHORTEST_WAIT

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """As many as bring most, by what the latest passes brought."""
        self._until_look -= 1
        if self._until_look < 0 or len(self._worth) <= most:
            self._until_look = self._wait
            return most
        price = self._experience.price
        worth = [self._worth[count] - price(1 + provisional, count) for count in range(most + 1)]
        best = worth.index(max(worth))
        self._wait = SHORTEST_WAIT if best else min(2 * self._wait, LONGEST_WAIT)
        return best

    def decide(self, seen: Seen) -> Decision:
        """Slot 1, and the proposals that promise most."""
        slots = seen.slots
        refusal = self._worth[-1] if self._worth else 0.0
        found, found_gain = self._lookup.propose(seen, refusal)
        if len(slots.ids) == 1:
            return found
        chances = [self._experience.chances["mask rows"].of(one) for one in slots.confidences[1:]]
        worth = gains(chances, self._experience.row_price(1), refusal)
        self._note_worth(worth)
        gain = max(worth[: seen.room + 1])
        if found_gain > gain:
            return found
        return Decision(slots, provisional=worth.index(gain))

    def _note_worth(self, worth: list[float]) -> None:
        """Update what each number of mask rows has brought: the best of as many proposals."""
        best = 0.0
        for count, gain in enumerate(worth):
            best = max(best, gain)
            if count == len(self._worth):
                self._worth.append(best)
            self._worth[count] += EASE * (best - self._worth[count])
