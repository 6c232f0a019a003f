"""The pass loop: one forward call after the other until the answer ends.

A pass runs the pending tokens (the prompt, later the last block) followed by mask rows, checks
the provisional ones among them, reads what every slot proposes, drops what must not stay in the
cache, and does with the proposals what the strategy says (2602.06019, "ConfAdapt" and its outlook
on self-speculative verification; loop in our own words).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
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
        provisional: Provisional tokens behind them.
        proposer: Who proposed these.
    """

    final: list[int]
    provisional: Slots = field(default_factory=lambda: Slots([], [], []))
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
        strategy, value = self.usual, threshold.value
        if threshold.is_exact:
            strategy, value = self.exact, 0.0  # heads end their chain by its worth alone
        checked = pending.provisional.ids
        most = max(0, min(self.k_max, answer.room - len(checked)) - 1)
        masks = strategy.masks(len(checked), most, value)
        with _sentence_for_memory():
            slots, held = self._read(pending, masks)
            read_seconds = time.perf_counter() - started
            hidden = self._hidden(len(pending.final) + held)
            decision = strategy.decide(self._seen(slots, checked[:held], answer, value, hidden))
        token_ids, pieces = answer.add(checked[:held] + decision.slots.ids[: decision.kept])
        alternatives = self._alternatives(decision.slots)
        # Reading the slots has waited for the device: the clock needs no further synchronising.
        seconds = time.perf_counter() - started
        if answer.passes:  # the first one reads the prompt, which says nothing of the others
            self.experience.costs.note(len(pending.final) + len(checked), masks, read_seconds)
            self.experience.pace.note(len(token_ids), seconds)
        self.experience.chances[pending.proposer].note(pending.provisional.confidences, held)
        answer.passes += 1
        answer.seconds += seconds
        done = PassDone(
            index=answer.passes - 1,
            token_ids=token_ids,
            text="".join(pieces),
            proposed_ids=tuple(decision.slots.ids),
            confidences=tuple(decision.slots.confidences),
            alternatives=alternatives,
            refused=len(checked) - held,
            threshold=value,
            width=len(pending.final) + len(checked) + masks,
            seconds=seconds,
            pieces=pieces,
            proposed_texts=tuple(self.texts[token_id] for token_id in decision.slots.ids),
            confirmed=min(held, len(token_ids)),
            provisional=0 if answer.stop_reason else decision.provisional,
            is_exact=strategy.is_exact,
            proposer=decision.proposer,
        )
        return done, _following(decision)

    def _read(self, pending: Pending, masks: int) -> tuple[Slots, int]:
        """Slot 1 with what is proposed behind it, and how many provisional tokens held."""
        provisional = pending.provisional.ids
        logits = self.cache.forward(pending.final + provisional, masks, len(provisional))
        slots = read_slots(logits)
        drawn = self._drawn(logits, slots, provisional)
        confirmed = common_prefix(provisional, drawn)
        argmax = slots.ids[confirmed]
        # Mask rows behind a proposal that fell have read it; behind a token that was drawn, they
        # were meant for the argmax. Either way what they propose is void.
        is_void = confirmed < len(provisional) or drawn[confirmed] != argmax
        slots = slots.part(confirmed, confirmed + 1 if is_void else None)
        if drawn[confirmed] != argmax:
            slots.replace_first(drawn[confirmed])
        self.cache.drop(len(provisional) - confirmed)
        return slots, confirmed

    def _drawn(self, logits: torch.Tensor, slots: Slots, provisional: list[int]) -> list[int]:
        """The model's own tokens where the provisional ones stand, up to the first other one."""
        if self.sampler.is_greedy:
            return slots.ids[: len(provisional) + 1]
        drawn: list[int] = []
        for row, proposed in zip(logits, provisional, strict=False):
            drawn.append(self.sampler.check(row, proposed))
            if drawn[-1] != proposed:
                return drawn
        return [*drawn, self.sampler.draw(logits[len(provisional)])]

    def _seen(
        self,
        slots: Slots,
        held: list[int],
        answer: Answer,
        threshold: float,
        hidden: torch.Tensor | None,
    ) -> Seen:
        tokens = [*self.prompt, *answer.token_ids, *held, slots.ids[0]]
        return Seen(slots, tokens, max(0, answer.room - len(held) - 1), threshold, hidden)

    def _hidden(self, rows: int) -> torch.Tensor | None:
        """The last hidden rows of this pass's final tokens, where they are kept."""
        return None if self.cache.hidden is None else self.cache.hidden[:rows]

    def _alternatives(self, slots: Slots) -> tuple[tuple[Alternative, ...], ...]:
        return tuple(
            tuple((token_id, self.texts[token_id], probability) for token_id, probability in row)
            for row in slots.others
        )


@contextmanager
def _sentence_for_memory() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise KnownError(
            "The device ran out of memory while decoding.",
            "Shorten the conversation, or choose another device.",
        ) from error


def _following(decision: Decision) -> Pending:
    """What the next pass reads, unless the answer has ended."""
    kept, slots = decision.kept, decision.slots
    provisional = slots.part(kept, kept + decision.provisional)
    return Pending(slots.ids[:kept], provisional, decision.proposer)
