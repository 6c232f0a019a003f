"""Prompt lookup: what followed the latest tokens when they stood in the text before.

It needs no training: n-gram matches in prompt and answer propose, the model checks them in the
next pass (known as prompt lookup decoding or n-gram speculation).
"""

from __future__ import annotations

from collections.abc import Sequence

from core.engine.confidence import Slots
from core.engine.experience import Experience, gains
from core.engine.strategies.decision import Decision, Seen

LONGEST_MATCH = 4
MOST_PROPOSED = 15
USUAL_CHANCE = (0.0, 0.15, 0.45, 0.7, 0.85)
"""That the next token is the same again, by how many tokens matched; counted from there on."""


class PromptLookup:
    """Proposes the continuation of the longest match, as far as it is likely to pay.

    Args:
        experience: What the session has learned of costs and chances.
    """

    is_exact = True

    def __init__(self, experience: Experience) -> None:
        self._experience = experience
        self._ends: dict[tuple[int, ...], int] = {}
        self._known = 0

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """None: the text itself proposes."""
        return 0

    def decide(self, seen: Seen) -> Decision:
        """Slot 1, and what followed when it and its predecessors stood there before."""
        return self.propose(seen, refusal=0.0)[0]

    def propose(self, seen: Seen, refusal: float) -> tuple[Decision, float]:
        """The same, and what it promises in tokens; for `refusal` see `gains`."""
        matched, at = self._latest_match(seen.tokens)
        following = list(seen.tokens[at : at + min(MOST_PROPOSED, seen.room)]) if matched else []
        confidence = USUAL_CHANCE[matched]
        chance = self._experience.chances["prompt lookup"].of(confidence)
        worth = gains([chance] * len(following), self._experience.row_price(0), refusal)
        gain = max(worth)
        count = worth.index(gain)
        slot1 = seen.slots
        slots = Slots(
            [slot1.ids[0], *following[:count]],
            [slot1.confidences[0], *[confidence] * count],
            [slot1.others[0], *([] for _ in range(count))],
        )
        return Decision(slots, provisional=count, proposer="prompt lookup"), gain

    def _latest_match(self, tokens: Sequence[int]) -> tuple[int, int]:
        """How many of the last tokens stood there before, and where the latest of them ended."""
        self._remember(tokens)
        for size in range(min(LONGEST_MATCH, len(tokens)), 0, -1):
            at = self._ends.get(tuple(tokens[-size:]))
            if at is not None:
                return size, at
        return 0, 0

    def _remember(self, tokens: Sequence[int]) -> None:
        """Note where each n-gram ends, but for the last token's: nothing follows them yet."""
        for end in range(self._known + 1, len(tokens)):
            for size in range(1, min(LONGEST_MATCH, end) + 1):
                self._ends[tuple(tokens[end - size : end])] = end
        self._known = max(self._known, len(tokens) - 1)
