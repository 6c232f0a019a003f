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
from core.engine.strategies.worth import Worth


class Verified:
    """Has as many proposals checked as are likely to be worth it.

    Args:
        experience: What the session has learned of costs and chances.
        lookup: Proposals from the text so far; the better of both is taken.
    """

    is_exact = True

    def __init__(self, experience: Experience, lookup: PromptLookup) -> None:
        self._experience, self._lookup = experience, lookup
        self._worth = Worth()

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """As many as bring most, by what the latest passes brought."""
        price = self._experience.price
        return self._worth.best_count(most, lambda count: price(1 + provisional, count))

    def decide(self, seen: Seen) -> Decision:
        """Slot 1, and the proposals that promise most."""
        slots, refusal = seen.slots, self._worth.of_all
        found, found_gain = self._lookup.propose(seen, refusal)
        if len(slots.ids) == 1:
            return found
        chances = self._experience.chances["mask rows"]
        promised = gains(
            [chances.of(one) for one in slots.confidences[1:]],
            self._experience.row_price(1),
            refusal,
        )
        self._worth.note(promised)
        gain = max(promised[: seen.room + 1])
        return found if found_gain > gain else Decision(slots, provisional=promised.index(gain))
