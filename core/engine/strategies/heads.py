"""Heads propose in a chain, the model checks them in the pass that gives the next row.

Exact, whatever the heads propose (DeepSeek-V3, section "Multi-Token Prediction"; MTP-D,
2603.23911). A threshold ends the chain early; how long it may be at all follows from what heads
and rows cost on this machine.
"""

from __future__ import annotations

import time

from core.engine.confidence import Slots
from core.engine.experience import Experience, gains
from core.engine.head_chain import Draft, HeadChain
from core.engine.strategies.decision import Decision, Seen
from core.engine.strategies.worth import Worth


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
        asked = self._count(seen)
        drafts = self._drafts(asked, seen.threshold)
        chances = self._experience.chances["heads"]
        promised = gains(
            [chances.of(one.confidence) for one in drafts], self._experience.row_price(0), 0.0
        )
        if asked:
            # A chain that ended early is worth no more however long it might have been.
            missing = self._most - len(drafts) if len(drafts) < asked else 0
            self._worth.note(promised + [max(promised)] * missing)
        slots = Slots(
            [seen.slots.ids[0], *(one.token_id for one in drafts)],
            [seen.slots.confidences[0], *(one.confidence for one in drafts)],
            [seen.slots.others[0], *(list(one.alternatives) for one in drafts)],
        )
        count = promised.index(max(promised))
        return Decision(slots.part(0, 1 + count), provisional=count, proposer="heads")

    def _count(self, seen: Seen) -> int:
        """How many heads to ask."""
        if seen.threshold >= 1.0:  # one token a pass, by the rule of ConfAdapt
            return 0
        price = self._experience.head_price
        return self._worth.best_count(min(self._most, seen.room), lambda heads: heads * price())

    def _drafts(self, count: int, threshold: float) -> list[Draft]:
        if count == 0:
            return []
        began = time.perf_counter()
        try:
            drafts = self._chain.draft(count, threshold)
        except BaseException:
            self._chain.clear()  # some of its caches may hold what others do not
            raise
        self._experience.heads.note(count, time.perf_counter() - began)
        return drafts
