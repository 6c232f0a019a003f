"""One answer with a clock beside it: by our own engine (by transformers': `peers.py`).

Every answer begins with an empty cache, so that each reads its whole prompt. Tokens a second
are measured alike on both sides: tokens after the first pass over the time from there to the
last one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from core.control import Cancel, Threshold
from core.engine.request import EXACT_STRATEGIES, STRATEGIES, Request, Strategy
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone
from core.metrics import answer_figures
from core.rule import USUAL_RULE, Rule

if TYPE_CHECKING:
    from core.engine.session import Session
    from core.model.loading import Loaded

Peer = Literal[
    "transformers_generate",
    "transformers_prompt_lookup",
    "transformers_assisted",
    "transformers_mtp",
]
WayName = Strategy | Peer

PEERS: tuple[Peer, ...] = get_args(Peer)
"""Transformers' own ways of decoding, on the same weights."""
EXACT_WAYS: tuple[WayName, ...] = (*EXACT_STRATEGIES, *PEERS)
"""Those whose every token is the one that one-token decoding would give, but for rounding."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way of decoding.

    Only ConfAdapt and heads read a threshold. That of the others is the one at which ConfAdapt
    gives the same tokens: 0.0 for `static_k` (every slot is kept), 1.0 for those that are exact.

    Attributes:
        adapter: Name of the adapter that decodes in the loaded one's place, "none" for the base
            model; empty for the loaded one.
        k_max: Most tokens kept of one pass; None takes the adapter's own.
    """

    name: WayName
    threshold: float
    adapter: str = ""
    k_max: int | None = None

    @property
    def peer(self) -> Peer | None:
        """Its name as that of a peer; None for a strategy of ours."""
        return next((one for one in PEERS if one == self.name), None)

    @property
    def strategy(self) -> Strategy:
        """Its name as that of a strategy of ours, which a peer has none of."""
        return next(one for one in STRATEGIES if one == self.name)


NEXT_TOKEN = Way("next_token", 1.0)
BASE_NEXT_TOKEN = Way("next_token", 1.0, "none")
"""One-token decoding by the base model of a full adapter, which has changed the weights."""
VERIFIED = Way("verified", 1.0)
PROMPT_LOOKUP = Way("prompt_lookup", 1.0)
HEADS = Way("heads", 0.0)
"""As many of the heads as pay."""
GENERATE = Way("transformers_generate", 1.0)
"""Greedy `model.generate` of the same weights, as `bench.peers` calls it."""


def way_of(strategy: Strategy, threshold: float, k_max: int | None = None) -> Way:
    """A strategy as a way of decoding; what it does not read is what it always does."""
    if strategy == "next_token":
        return NEXT_TOKEN
    if strategy == "prompt_lookup":
        return PROMPT_LOOKUP
    if strategy == "verified":
        threshold = 1.0
    return Way(strategy, 0.0 if strategy == "static_k" else threshold, k_max=k_max)


@dataclass(frozen=True, slots=True)
class Measured:
    """One answer and what it took.

    Attributes:
        later_tokens: Tokens after the first pass.
        decode_seconds: Their time.
        seconds: The whole wall-clock time, from the chat turns to the text.
        blocks: The text that each pass added.
        sizes: The tokens that each pass added.
        provisional: Tokens that were proposed and checked by a later pass.
        confirmed: How many of them it confirmed.
        peak_memory: Most bytes that torch held on the GPU meanwhile; None on the CPU, where a
            process cannot tell.
    """

    text: str
    token_ids: tuple[int, ...]
    passes: int
    k_max: int
    later_tokens: int
    prefill_seconds: float
    decode_seconds: float
    seconds: float
    blocks: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    provisional: int = 0
    confirmed: int = 0
    peak_memory: int | None = None

    @property
    def tokens_per_pass(self) -> float:
        """All tokens over all passes."""
        return len(self.token_ids) / max(1, self.passes)

    @property
    def tokens_per_second(self) -> float:
        """Tokens after the first pass over their time; 0.0 where there are none."""
        return self.later_tokens / self.decode_seconds if self.decode_seconds > 0 else 0.0


def decode_answer(
    session: Session,
    request: Request,
    threshold: float,
    cancel: Cancel,
    rule: Rule = USUAL_RULE,
) -> tuple[Measured, tuple[GenerationEvent, ...]]:
    """Decode one answer with an empty cache; returns what it took, and its events.

    Raises:
        Cancelled: if a stop was asked for; half an answer is no measurement.
        KnownError: see `Session.stream`.
    """
    session.forget()
    began = time.perf_counter()
    events = tuple(session.stream(request, cancel, Threshold(threshold), rule))
    seconds = time.perf_counter() - began
    cancel.check()
    return measured_from(events, seconds), events


def measured_from(events: tuple[GenerationEvent, ...], seconds: float) -> Measured:
    """What an answer took, by its events and its whole wall-clock time."""
    started, ended = events[0], events[-1]
    assert isinstance(started, GenerationStarted)
    assert isinstance(ended, GenerationEnded)
    passes = [event for event in events if isinstance(event, PassDone)]
    figures = answer_figures(passes)
    return Measured(
        text=ended.text,
        token_ids=tuple(token_id for one in passes for token_id in one.token_ids),
        passes=figures.passes,
        k_max=started.k_max,
        later_tokens=figures.tokens - figures.block_sizes[0],
        prefill_seconds=figures.prefill_seconds,
        decode_seconds=figures.decode_seconds,
        seconds=seconds,
        blocks=tuple(one.text for one in passes),
        sizes=figures.block_sizes,
        # Not what was proposed: behind an end token, and in the last pass, nothing is checked.
        provisional=sum(one.confirmed + one.refused for one in passes),
        confirmed=sum(one.confirmed for one in passes),
    )


@contextmanager
def without_gates(loaded: Loaded) -> Iterator[None]:
    """Inside, the model has its own layers in the place of a gated adapter's."""
    from core.model.adapters import GatedAdapter

    model = loaded.model
    gated = loaded.masks.layers if isinstance(loaded.masks, GatedAdapter) else {}
    for name, layer in gated.items():
        _put(model, name, layer.base)
    try:
        yield
    finally:
        for name, layer in gated.items():
            _put(model, name, layer)


def _put(model: Any, name: str, layer: Any) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, layer)
