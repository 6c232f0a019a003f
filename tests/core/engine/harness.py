"""A session over the toy model, and helpers that read its streams."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from core.control import Cancel, Threshold
from core.engine.request import Message, Request, Strategy
from core.engine.session import Session
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone
from core.model.loading import Loaded
from tests.core.toy import ToyMasks, toy_model, toy_tokenizer

CPU = torch.device("cpu")
NOWHERE = Path("toy")


def toy_session(
    model: LlamaForCausalLM | None = None, *, adapter: bool = True, **masks: object
) -> Session:
    """A session over the toy model in float64, with the toy's mask rows unless declined."""
    model = model or toy_model()
    rows = ToyMasks(model, **masks) if adapter else None
    folder = Path("toy-adapter") if adapter else None
    return Session(Loaded(model, toy_tokenizer(), rows, CPU, torch.float64), NOWHERE, folder)


def left_after_close(session: Session) -> int:
    """How many of a session's weights its close leaves to the collector of cycles."""
    model, heads = session.loaded.model, session.loaded.heads
    layers = [model, heads.layers] if heads else [model]
    kept = [weakref.ref(weight) for layer in layers for weight in layer.parameters()]
    del model, heads, layers
    gc.collect()
    gc.disable()
    try:
        session.close()
        return sum(one() is not None for one in kept)
    finally:
        gc.enable()


def user(text: str, *earlier: Message) -> tuple[Message, ...]:
    """A chat whose last turn is the user's."""
    return (*earlier, Message("user", text))


def decode(
    session: Session,
    text: str = "Count to ten.",
    strategy: Strategy = "confadapt",
    threshold: float = 0.3,
    **options: object,
) -> list[GenerationEvent]:
    """All events of one answer."""
    options = {"max_new_tokens": 40, "messages": user(text)} | options
    request = Request(strategy=strategy, **options)
    return list(session.stream(request, Cancel(), Threshold(threshold)))


def started(events: list[GenerationEvent]) -> GenerationStarted:
    """The first event."""
    assert isinstance(events[0], GenerationStarted)
    return events[0]


def passes(events: list[GenerationEvent]) -> list[PassDone]:
    """The events between the first and the last."""
    assert all(isinstance(event, PassDone) for event in events[1:-1])
    return events[1:-1]


def ended(events: list[GenerationEvent]) -> GenerationEnded:
    """The last event."""
    assert isinstance(events[-1], GenerationEnded)
    return events[-1]


def token_ids(events: list[GenerationEvent]) -> list[int]:
    """The tokens of the answer."""
    return [token_id for one in passes(events) for token_id in one.token_ids]


def generated(session: Session, events: list[GenerationEvent], limit: int) -> list[int]:
    """What `model.generate` answers greedily to the same prompt."""
    loaded = session.loaded
    prompt = loaded.tokenizer(
        started(events).prompt_text, add_special_tokens=False, return_tensors="pt"
    )
    out = loaded.model.generate(**prompt, do_sample=False, max_new_tokens=limit)
    return out[0, prompt["input_ids"].shape[1] :].tolist()


def teacher_forced(session: Session, events: list[GenerationEvent]) -> list[int]:
    """The base model's argmax after each emitted prefix, in one pass."""
    loaded = session.loaded
    prompt = loaded.tokenizer(started(events).prompt_text, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = loaded.model(input_ids=torch.tensor([prompt + token_ids(events)])).logits[0]
    return logits[len(prompt) - 1 : -1].float().argmax(-1).tolist()
