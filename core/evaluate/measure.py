"""One answer with a clock beside it: by our own engine, or by transformers' `generate`.

Every answer begins with an empty cache, so that each reads its whole prompt. Tokens a second
are measured alike on both sides: tokens after the first pass (for `generate` its first token)
over the time from there to the last one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.control import Cancel, Threshold
from core.engine.prompt import render
from core.engine.request import Message, Request, Strategy
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone
from core.metrics import answer_figures

if TYPE_CHECKING:
    from core.engine.session import Session
    from core.model.loading import Loaded

WayName = Strategy | Literal["transformers_generate"]


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


NEXT_TOKEN = Way("next_token", 1.0)
BASE_NEXT_TOKEN = Way("next_token", 1.0, "none")
"""One-token decoding by the base model of a full adapter, which has changed the weights."""
VERIFIED = Way("verified", 1.0)
HEADS = Way("heads", 0.0)
"""As many of the heads as pay."""
GENERATE = Way("transformers_generate", 1.0)
"""Greedy `model.generate` of the same weights, the layers as transformers made them."""


def way_of(strategy: Strategy, threshold: float, k_max: int | None = None) -> Way:
    """A strategy as a way of decoding; what it does not read is what it always does."""
    if strategy == "next_token":
        return NEXT_TOKEN
    if strategy in ("verified", "prompt_lookup"):
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
    count_from_slot: int | None = None,
) -> tuple[Measured, tuple[GenerationEvent, ...]]:
    """Decode one answer with an empty cache; returns what it took, and its events.

    Raises:
        Cancelled: if a stop was asked for; half an answer is no measurement.
        KnownError: see `Session.stream`.
    """
    session.forget()
    began = time.perf_counter()
    events = tuple(session.stream(request, cancel, Threshold(threshold), count_from_slot))
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
    )


class _Clock:
    """A streamer that notes when each token comes and stops at a cancel.

    `generate` hands it the prompt first, then token by token, each already on the CPU: a GPU
    has been waited for.
    """

    def __init__(self, cancel: Cancel) -> None:
        self._cancel = cancel
        self.times: list[float] = []

    def put(self, value: Any) -> None:  # noqa: ARG002  (only its time matters)
        """Note the time of a token."""
        self._cancel.check()
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is left to do."""


def generate_answer(
    session: Session, messages: tuple[Message, ...], max_new_tokens: int, cancel: Cancel
) -> Measured:
    """Let transformers answer greedily with the same weights; see `GENERATE`.

    Raises:
        Cancelled: if a stop was asked for.
    """
    import torch

    loaded, clock = session.loaded, _Clock(cancel)
    with plain_layers(loaded):
        began = time.perf_counter()
        _, prompt_ids = render(loaded.tokenizer, messages)
        inputs = torch.tensor([prompt_ids], device=loaded.device)
        room = session.info.context_length - len(prompt_ids)
        out = loaded.model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
            max_new_tokens=min(max_new_tokens, room),
            eos_token_id=sorted(session.end_ids),
            pad_token_id=min(session.end_ids, default=0),
            streamer=clock,
        )
        token_ids = tuple(out[0, len(prompt_ids) :].tolist())
        text = loaded.tokenizer.decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        seconds = time.perf_counter() - began
    _, first, *_ = clock.times
    return Measured(
        text=text,
        token_ids=token_ids,
        passes=len(token_ids),
        k_max=1,
        later_tokens=len(token_ids) - 1,
        prefill_seconds=first - began,
        decode_seconds=clock.times[-1] - first,
        seconds=seconds,
        sizes=(1,) * len(token_ids),
    )


@contextmanager
def plain_layers(loaded: Loaded) -> Iterator[None]:
    """Inside, the model's linear layers are those that transformers made.

    Neither the gate of an adapter nor our own layers may cost `generate` anything.
    """
    from torch import nn

    from core.model.linear import RowsLinear

    with without_gates(loaded):
        quicker: list[nn.Linear] = [
            one for one in loaded.model.modules() if type(one) is RowsLinear
        ]
        for linear in quicker:
            linear.__class__ = nn.Linear
        try:
            yield
        finally:
            for linear in quicker:
                linear.__class__ = RowsLinear


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
