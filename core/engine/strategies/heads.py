"""Heads propose in a chain, the model checks them in the pass that gives the next row.

Exact, whatever the heads propose (DeepSeek-V3, section "Multi-Token Prediction"; MTP-D,
2603.23911). A threshold ends the chain early; how long it may be at all follows from what heads
and rows cost on this machine.
"""

from __future__ import annotations

import time

from core.engine.confidence import Slots
from core.engine.experience import Experience, gains
from core.engine.strategies.decision import Decision, Seen
from core.engine.strategies.worth import Worth
from core.model.head_chain import Draft, HeadChain


class Heads:
    """Decodes with heads.

    Args:
        experience: What the session has learned of costs and chances.
        chain: The heads at work on the session's sequence.
        most: Most tokens to propose at a time.
    """

    is_exact = True

    def __init__(self, experience: Experience, chain: HeadChain, most: int) -> None:
        self._experience, self._chain = experience, chain
        self._most = min(most, chain.heads)
        self._worth = Worth()

    def masks(self, provisional: int, most: int, threshold: float) -> int:  # noqa: ARG002
        """None: the heads propose."""
        return 0

    def decide(self, seen: Seen) -> Decision:
        """Slot 1, and what the heads propose behind it."""
        assert seen.hidden is not None
        self._chain.extend(seen.hidden, list(seen.tokens[self._chain.known :]))
        row_price = self._experience.row_price(0)
        drafts = self._drafts(min(self._most, seen.room), seen.threshold)
        chances = self._experience.chances["heads"]
        promised = gains([chances.of(one.confidence) for one in drafts], row_price, 0.0)
        self._note(promised)
        slots = Slots(
            [seen.slots.ids[0], *(one.token_id for one in drafts)],
            [seen.slots.confidences[0], *(one.confidence for one in drafts)],
            [seen.slots.others[0], *(list(one.alternatives) for one in drafts)],
        )
        count = promised.index(max(promised))
        return Decision(slots.part(0, 1 + count), provisional=count, proposer="heads")

    def _drafts(self, most: int, threshold: float) -> list[Draft]:
        price = self._experience.head_price
        count = self._worth.best_count(most, lambda heads: heads * price())
        if count == 0:
            return []
        began = time.perf_counter()
        drafts = self._chain.draft(count, threshold)
        self._experience.heads.note(count, time.perf_counter() - began)
        return drafts

    def _note(self, promised: list[float]) -> None:
        """A chain that ended early is worth no more however long it might have been."""
        if len(promised) > 1:
            self._worth.note(promised + [max(promised)] * (self._most + 1 - len(promised)))
