"""The pass loop: one forward call after the other until the answer ends.

A pass runs the pending tokens (the prompt, later the last block) followed by mask rows, checks
the provisional ones among them, reads what every slot proposes, drops what must not stay in the
cache, and does with the proposals what the strategy says (2602.06019, "ConfAdapt" and its outlook
on self-speculative verification; loop in our own words).
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field

import torch

from core.control import Cancel, Threshold
from core.engine.answer import Answer
from core.engine.cache import TokenCache, common_prefix
from core.engine.confidence import Slots, read_slots
from core.engine.detokenize import TokenTexts
from core.engine.experience import Experience
from core.engine.sampling import Sampler
from core.engine.strategies.decision import Decision, Seen, Strategy
from core.errors import KnownError
from core.events import Alternative, PassDone, Proposer


@dataclass(frozen=True)
class Pending:
    """What the next pass reads: tokens that are not in the cache yet.

    Attributes:
        final: Tokens of the answer, or of the prompt.
        drafts: Provisional tokens behind them.
        proposer: Who proposed these.
    """

    final: list[int]
    drafts: Slots = field(default_factory=lambda: Slots([], [], []))
    proposer: Proposer = "mask rows"


@dataclass(frozen=True)
class Decoder:
    """Everything a pass needs that does not change while an answer is decoded.

    Attributes:
        usual: The strategy that was asked for.
        exact: The one in force while the threshold says "exact".
        prompt: All tokens of the prompt.
    """

    cache: TokenCache
    usual: Strategy
    exact: Strategy
    k_max: int
    sampler: Sampler
    texts: TokenTexts
    experience: Experience
    prompt: list[int]

    def run(
        self, reused: int, answer: Answer, cancel: Cancel, threshold: Threshold
    ) -> Generator[PassDone, None, None]:
        """Decode until the answer ends; the cache holds `reused` tokens of the prompt.

        Raises:
            KnownError: if the device's memory does not suffice.
        """
        pending = Pending(self.prompt[reused:])
        while answer.stop_reason is None:
            if cancel.is_set:
                answer.cancel()
                return
            done, pending = self._one_pass(pending, answer, threshold)
            yield done

    def _one_pass(
        self, pending: Pending, answer: Answer, threshold: Threshold
    ) -> tuple[PassDone, Pending]:
        started = time.perf_counter()
        strategy, value = self.exact if threshold.is_exact else self.usual, threshold.value
        drafts = pending.drafts.ids
        most = max(0, min(self.k_max, answer.room - len(drafts)) - 1)
        masks = strategy.masks(len(drafts), most, value)
        slots, confirmed = self._read(pending, masks)
        decision = strategy.decide(self._seen(slots, drafts[:confirmed], answer, value))
        token_ids, pieces = answer.add(drafts[:confirmed] + decision.slots.ids[: decision.kept])
        alternatives = self._alternatives(decision.slots)
        # Reading the slots has waited for the device: the clock needs no further synchronising.
        seconds = time.perf_counter() - started
        self._learn(pending, confirmed, masks, len(token_ids), seconds, answer.passes == 0)
        answer.passes += 1
        answer.seconds += seconds
        done = PassDone(
            index=answer.passes - 1,
            token_ids=token_ids,
            text="".join(pieces),
            proposed_ids=tuple(decision.slots.ids),
            confidences=tuple(decision.slots.confidences),
            alternatives=alternatives,
            refused=len(drafts) - confirmed,
            threshold=value,
            width=len(pending.final) + len(drafts) + masks,
            seconds=seconds,
            pieces=pieces,
            proposed_texts=tuple(self.texts[token_id] for token_id in decision.slots.ids),
            confirmed=min(confirmed, len(token_ids)),
            provisional=0 if answer.stop_reason else decision.provisional,
            is_exact=strategy.is_exact,
            proposer=decision.proposer,
        )
        return done, _following(decision)

    def _read(self, pending: Pending, masks: int) -> tuple[Slots, int]:
        """Slot 1 with what is proposed behind it, and how many drafts came true."""
        drafts = pending.drafts.ids
        try:
            logits = self.cache.forward(pending.final + drafts, masks, len(drafts))
            slots = read_slots(logits)
            drawn = self._drawn(logits, slots, drafts)
        except torch.OutOfMemoryError as error:
            raise KnownError(
                "The device ran out of memory while decoding.",
                "Shorten the conversation, or choose another device.",
            ) from error
        confirmed = common_prefix(drafts, drawn)
        argmax = slots.ids[confirmed]
        # Mask rows behind a draft that fell have read it; behind a token that was drawn, they
        # were meant for the argmax. Either way what they propose is void.
        is_void = confirmed < len(drafts) or drawn[confirmed] != argmax
        slots = slots.part(confirmed, confirmed + 1 if is_void else None)
        if drawn[confirmed] != argmax:
            slots.replace_first(drawn[confirmed])
        self.cache.drop(len(drafts) - confirmed)
        return slots, confirmed

    def _drawn(self, logits: torch.Tensor, slots: Slots, drafts: list[int]) -> list[int]:
        """The model's own tokens in the drafts' places up to the first other one, or slot 1."""
        if self.sampler.is_greedy:
            return slots.ids[: len(drafts) + 1]
        drawn: list[int] = []
        for row, draft in zip(logits, drafts, strict=False):
            drawn.append(self.sampler.check(row, draft))
            if drawn[-1] != draft:
                return drawn
        return [*drawn, self.sampler.draw(logits[len(drafts)])]

    def _seen(self, slots: Slots, confirmed: list[int], answer: Answer, threshold: float) -> Seen:
        tokens = [*self.prompt, *answer.token_ids, *confirmed, slots.ids[0]]
        room = max(0, answer.room - len(confirmed) - 1)
        return Seen(slots, tokens, room, threshold)

    def _learn(
        self,
        pending: Pending,
        confirmed: int,
        masks: int,
        tokens: int,
        seconds: float,
        is_prefill: bool,
    ) -> None:
        drafts = pending.drafts
        self.experience.chances[pending.proposer].note(drafts.confidences, confirmed)
        if not is_prefill:
            rows = len(pending.final) + len(drafts.ids)
            self.experience.costs.note(rows, masks, seconds)
            self.experience.pace.note(tokens, seconds)

    def _alternatives(self, slots: Slots) -> tuple[tuple[Alternative, ...], ...]:
        return tuple(
            tuple((token_id, self.texts[token_id], probability) for token_id, probability in row)
            for row in slots.others
        )


def _following(decision: Decision) -> Pending:
    """What the next pass reads, unless the answer has ended."""
    kept, slots = decision.kept, decision.slots
    drafts = slots.part(kept, kept + decision.provisional)
    return Pending(slots.ids[:kept], drafts, decision.proposer)
