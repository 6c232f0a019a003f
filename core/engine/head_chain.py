"""Drafting with heads: each has a cache of its own, and entries that rest on drafts never stay.

An entry of head n (from 0) at position p is made of token p + 1 + n. With T tokens final behind
the first one its entries up to T - 1 - n are final; the n after them rest on tokens just drafted,
and are dropped again at once. So every final entry is computed exactly once, in the call that
needs it, and nothing must be repaired after a refusal.

Shapes: R rows, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.cache_utils import MtpCache

from core.engine.cache import crop
from core.engine.confidence import read_slots
from core.model.heads import Heads


@dataclass(frozen=True, slots=True)
class Draft:
    """What a head proposes.

    Attributes:
        confidence: Its probability, in float32, among the tokens that can be drafted.
        alternatives: The next best (token id, probability).
    """

    token_id: int
    confidence: float
    alternatives: tuple[tuple[int, float], ...]


class HeadChain:
    """The heads of a model at work on one sequence.

    Args:
        heads: Loaded behind the model that verifies them.

    Attributes:
        heads: How many tokens it may draft at a time.
        known: How many leading tokens of the sequence it knows; the first is never needed.
    """

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self.heads = heads.count
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._cache: MtpCache = self._heads.new_cache()
        # By their positions; nothing asks for the first.
        self._tokens = [-1]
        self._hidden: list[Tensor] = []
        # Of each head: how many entries it has, and the rows that it has not read yet.
        self._entries = [0] * self.heads
        self._unread: list[list[Tensor]] = [[] for _ in range(self.heads)]

    @property
    def known(self) -> int:
        """How many leading tokens of the sequence it knows."""
        return len(self._tokens)

    @torch.inference_mode()
    def keep(self, tokens: int) -> None:
        """Forget everything behind the first `tokens` tokens of the sequence."""
        if tokens < 1:
            self.clear()
            return
        if tokens > self.known:
            return
        del self._tokens[tokens:]
        self._hidden = [torch.cat(self._hidden)[:tokens]] if self._hidden else []
        # A little deeper than needed, all alike: the few rows behind are read again by all.
        whole = max(0, tokens - self.heads)
        entries = [min(one, whole) for one in self._entries]
        for head, (now, before) in enumerate(zip(entries, self._entries, strict=True)):
            crop(self._cache.layers[head], before - now)
            if head > 0 and self._unread[head]:
                rows = torch.cat(self._unread[head])
                self._unread[head] = [rows[: entries[head - 1] - now]]
        self._entries = entries
        self._unread[0] = [one[entries[0] :] for one in self._hidden]

    @torch.inference_mode()
    def extend(self, hidden: Tensor, token_ids: Sequence[int]) -> None:
        """Take note of rows of the model and of tokens that are final.

        Args:
            hidden: [R, H] last hidden rows of the model, behind its final norm, at the positions
                that follow those it has.
            token_ids: The tokens of the sequence from position `known` up to the one behind the
                last row. These are R, and one more after `keep`: the first one that was new.

        Raises:
            ValueError: for rows and tokens that do not end together.
        """
        rows = sum(len(one) for one in self._hidden) + len(hidden)
        if self.known + len(token_ids) != rows + 1:
            raise ValueError(f"{rows} rows, but {self.known + len(token_ids)} tokens")
        self._hidden.append(hidden)
        self._unread[0].append(hidden)
        self._tokens += token_ids

    @torch.inference_mode()
    def draft(self, most: int, threshold: float) -> list[Draft]:
        """What the heads propose behind the last final token; once after each `extend`.

        Args:
            most: How many tokens at most.
            threshold: The first token of less confidence is not proposed, and nothing behind it.
        """
        drafts: list[Draft] = []
        if not self._hidden:
            return drafts
        loose: list[Tensor] = []  # rows of the head before that rest on drafts
        for head in range(min(most, self.heads)):
            rows, final = self._read(head, loose, [one.token_id for one in drafts])
            drafts.append(self._best(rows[-1]))
            if drafts[-1].confidence < threshold:
                return drafts[:-1]
            loose = [rows[final:]]
        return drafts

    def _read(self, head: int, loose: list[Tensor], drafted: list[int]) -> tuple[Tensor, int]:
        """The rows of a head at all positions that it has no entry for; how many are final."""
        entries, unread = self._entries[head], torch.cat(self._unread[head] + loose)
        sequence = self._tokens + drafted
        at = entries + 1 + head
        token_ids = torch.tensor([sequence[at : at + len(unread)]], device=unread.device)
        rows = self._heads.run(head, unread[None], token_ids, entries, self._cache)[0]
        final = max(0, self.known - 1 - head - entries)
        crop(self._cache.layers[head], len(unread) - final)
        self._entries[head] += final
        waiting = unread[final : len(unread) - sum(len(one) for one in loose)]
        self._unread[head] = [waiting]
        if head + 1 < self.heads:
            self._unread[head + 1].append(rows[:final])
        return rows, final

    def _best(self, row: Tensor) -> Draft:
        slots = read_slots(self._heads.logits(row[None]).float())
        places = torch.tensor([slots.ids[0], *(place for place, _ in slots.others[0])])
        first, *others = self._heads.tokens(places.to(row.device)).tolist()
        chances = (chance for _, chance in slots.others[0])
        return Draft(first, slots.confidences[0], tuple(zip(others, chances, strict=True)))
