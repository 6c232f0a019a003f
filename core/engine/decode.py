"""The pass loop: one forward call after the other until the answer ends.

A pass runs the pending tokens (the prompt, later the last accepted block) followed by mask
rows, reads what every slot proposes, drops the mask entries from the cache, and keeps as many
leading slots as the strategy says (2602.06019, "ConfAdapt"; loop in our own words).
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import torch

from core.control import Cancel, Threshold
from core.engine.cache import TokenCache
from core.engine.confidence import Slots, read_slots
from core.engine.detokenize import Detokenizer, StopStrings, TokenTexts
from core.engine.sampling import Sampler
from core.engine.strategies import Strategy
from core.errors import KnownError
from core.events import Alternative, PassDone, StopReason


@dataclass
class Answer:
    """An answer as it grows: its tokens, its text, and why it ended.

    Attributes:
        limit: Tokens it may have at most.
        limit_reason: What it means to reach that limit.
    """

    tokenizer: Any
    end_ids: frozenset[int]
    stops: StopStrings
    limit: int
    limit_reason: StopReason
    token_ids: list[int] = field(default_factory=list)
    text: str = ""
    passes: int = 0
    seconds: float = 0.0
    stop_reason: StopReason | None = None

    def __post_init__(self) -> None:
        self._detokenizer = Detokenizer(self.tokenizer)

    @property
    def room(self) -> int:
        """How many tokens may still come."""
        return self.limit - len(self.token_ids)

    def add(self, block: list[int]) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Take a block's tokens up to where the answer ends.

        Returns:
            The tokens taken, and what each of them adds to the text.
        """
        start = len(self.token_ids)
        pieces = []
        for token_id in block[: self.room]:
            self.token_ids.append(token_id)
            piece, stopped = self.stops.feed(self._detokenizer.feed(token_id))
            pieces.append(piece)
            if stopped:
                self.stop_reason = "stop_string"
                break
            if token_id in self.end_ids:
                self.stop_reason = "end_token"
                break
        if self.stop_reason is None and self.room == 0:
            self.stop_reason = self.limit_reason
        if self.stop_reason is not None:
            pieces[-1] += self.stops.rest()
        self.text += "".join(pieces)
        return tuple(self.token_ids[start:]), tuple(pieces)

    def cancel(self) -> None:
        """End here; text held back for a stop string that never came still belongs to it."""
        self.stop_reason = "cancelled"
        self.text += self.stops.rest()


@dataclass(frozen=True)
class Decoder:
    """Everything a pass needs that does not change while an answer is decoded."""

    cache: TokenCache
    strategy: Strategy
    k_max: int
    sampler: Sampler
    texts: TokenTexts

    def run(
        self, prompt: list[int], answer: Answer, cancel: Cancel, threshold: Threshold
    ) -> Generator[PassDone, None, None]:
        """Decode until the answer ends; `prompt` is what of it is not yet in the cache.

        Raises:
            KnownError: if the device's memory does not suffice.
        """
        pending = prompt
        while answer.stop_reason is None:
            if cancel.is_set:
                answer.cancel()
                return
            done = self._one_pass(pending, answer, threshold.value)
            pending = list(done.token_ids)
            yield done

    def _one_pass(self, pending: list[int], answer: Answer, threshold: float) -> PassDone:
        started = time.perf_counter()
        masks = min(self.strategy.slots(self.k_max, threshold), answer.room) - 1
        slots, kept = self._propose(pending, masks, threshold)
        token_ids, pieces = answer.add(slots.ids[:kept])
        alternatives = self._alternatives(slots)
        # Reading the slots has waited for the device: the clock needs no further synchronising.
        seconds = time.perf_counter() - started
        answer.passes += 1
        answer.seconds += seconds
        return PassDone(
            index=answer.passes - 1,
            token_ids=token_ids,
            text="".join(pieces),
            proposed_ids=tuple(slots.ids),
            confidences=tuple(slots.confidences),
            alternatives=alternatives,
            refused=0,
            threshold=threshold,
            width=len(pending) + masks,
            seconds=seconds,
            pieces=pieces,
            proposed_texts=tuple(self.texts[token_id] for token_id in slots.ids),
        )

    def _propose(self, pending: list[int], masks: int, threshold: float) -> tuple[Slots, int]:
        """What every slot proposes, and how many leading slots are kept."""
        try:
            logits = self.cache.forward(pending, masks)
            slots = read_slots(logits)
            drawn = slots.ids[0] if self.sampler.is_greedy else self.sampler.draw(logits[0])
        except torch.OutOfMemoryError as error:
            raise KnownError(
                "The device ran out of memory while decoding.",
                "Shorten the conversation, or choose another device.",
            ) from error
        kept = self.strategy.kept(slots.confidences, threshold)
        if drawn != slots.ids[0]:
            # The other slots were proposed for the argmax: after another token they are void.
            slots.replace_first(drawn)
            kept = 1
        return slots, kept

    def _alternatives(self, slots: Slots) -> tuple[tuple[Alternative, ...], ...]:
        return tuple(
            tuple((token_id, self.texts[token_id], probability) for token_id, probability in row)
            for row in slots.others
        )
