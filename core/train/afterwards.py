"""What a finished training is worth: before and after, on rows it has never seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from core.control import Cancel, Threshold
from core.documents.records import Row
from core.engine.request import Message, Request
from core.engine.session import Session
from core.errors import KnownError
from core.evaluate.compare import compare
from core.evaluate.measure import Way, without_gates
from core.evaluate.prompts import BenchPrompt
from core.events import PassDone
from core.model.adapter_info import adapter_name
from core.model.loading import Loaded
from core.train.evaluation import THRESHOLD, held_out_chats
from core.train.reporter import Reporter
from core.train.spec import COMPARING_SHARE, TrainSpec

PHASE = "compare"
MOST_SECONDS = 120.0
"""Of a run whose steps were given."""
CHECKED = 3
CHECKED_TOKENS = 24


def compare_afterwards(
    loaded: Loaded,
    base_model: Any,
    rows: Sequence[Row],
    spec: TrainSpec,
    report: Reporter,
    may_go_on: Callable[[float], bool],
    put_in_start: Callable[[], AbstractContextManager[None]],
) -> None:
    """Report one-token decoding and ConfAdapt at several thresholds, and which one to use.

    `may_go_on` is given the time (as `time.monotonic`) at which this should be over.

    Where the training started from an adapter, that one decodes, too, at `THRESHOLD`; inside of
    what `put_in_start` returns its weights are in force.
    """
    session = Session(loaded, Path(spec.model), None)
    chats = held_out_chats(session, rows)
    prompts = [BenchPrompt(turns[-1].content, turns=turns) for turns in chats]
    if not prompts:
        return
    report.say(PHASE, f"Comparing before and after on {len(prompts)} held-out prompts.")
    allowed = spec.minutes * 60 * COMPARING_SHARE if spec.minutes else MOST_SECONDS
    deadline = time.monotonic() + allowed
    own_base = loaded.masks is not None and loaded.masks.slot1_is_base
    if own_base:
        report.say(PHASE, _same_as_base(session, prompts[:CHECKED]))

    def put_in(way: Way) -> AbstractContextManager[None]:
        return put_in_start() if way.adapter else nullcontext()

    name = adapter_name(Path(spec.start_from))
    before = Way("confadapt", THRESHOLD, name) if spec.start_from != "none" else None

    def has_time(_done: int, _total: int) -> bool:
        return may_go_on(deadline)

    for found in compare(session, base_model, prompts, own_base, has_time, before, put_in):
        report(found)


def _same_as_base(session: Session, prompts: Sequence[BenchPrompt]) -> str:
    """Hold one-token decoding with the adapter against the model whose layers have none.

    Raises:
        KnownError: if they differ, which the gate rules out.
    """
    for prompt in prompts:
        with_adapter = _one_token(session, prompt.messages)
        with without_gates(session.loaded):
            bare = _one_token(session, prompt.messages)
        if bare != with_adapter:
            raise KnownError(
                "With the adapter one-token decoding differs from the base model's.",
                "This is a defect of Stride: please report it with the run's folder.",
            )
    return (
        "One-token decoding with the adapter gives the base model's own tokens: so by "
        f"construction, and checked on {len(prompts)} prompts."
    )


def _one_token(session: Session, messages: tuple[Message, ...]) -> list[int]:
    session.forget()
    request = Request(messages, "next_token", max_new_tokens=CHECKED_TOKENS)
    events = session.stream(request, Cancel(), Threshold(1.0))
    return [one for event in events if isinstance(event, PassDone) for one in event.token_ids]
