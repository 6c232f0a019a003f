"""What a finished training is worth: before and after, on rows it was not trained on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from core.control import Cancel, Threshold
from core.documents.records import Row
from core.engine.request import Message, Request
from core.engine.session import Session
from core.errors import KnownError
from core.evaluate.bench.bench import BenchPlan
from core.evaluate.compare import ANSWER_TOKENS, THRESHOLDS, compare
from core.evaluate.measure import (
    BASE_NEXT_TOKEN,
    HEADS,
    NEXT_TOKEN,
    VERIFIED,
    Way,
    without_gates,
)
from core.evaluate.prompts import BenchPrompt
from core.events import PassDone
from core.model.adapter_info import adapter_name
from core.train.evaluation import THRESHOLD, held_out_prompts
from core.train.reporter import Reporter
from core.train.spec import COMPARING_SHARE, TrainSpec
from core.train.student import Student, with_weights
from core.wording import many

PHASE = "compare"
MOST_SECONDS = 120.0
"""Of a run whose steps were given."""
INSTEAD = "A benchmark can do it: it offers the prompts that this training has held out."
CHECKED = 3
CHECKED_TOKENS = 24


def compare_afterwards(
    student: Student,
    start: dict[str, Tensor],
    rows: Sequence[Row],
    spec: TrainSpec,
    report: Reporter,
    may_go_on: Callable[[float], bool],
) -> None:
    """Report one-token decoding, what the training brings, and which threshold to use.

    `may_go_on` is given the time (as `time.monotonic`) at which this should be over.

    Where the training started from an adapter that one decodes, too, at `THRESHOLD`: `start` has
    its weights. Where it has changed the base model's weights, the base model decodes, too.
    """
    session = Session(student.loaded, Path(spec.model), None)
    prompts = list(held_out_prompts(session, rows))
    if not prompts:
        report.say(PHASE, "Before and after were not compared: no row was held out to decode.")
        return
    report.say(PHASE, f"Before and after, side by side on {many(len(prompts), 'held-out prompt')}.")
    allowed = spec.minutes * 60 * COMPARING_SHARE if spec.minutes else MOST_SECONDS
    deadline = time.monotonic() + allowed
    if spec.kind == "gated":
        report.say(PHASE, _same_as_base(session, prompts[:CHECKED]))
    base = Session(student.loaded_base, Path(spec.model), None)

    @contextmanager
    def session_of(way: Way) -> Iterator[Session]:
        if way == BASE_NEXT_TOKEN:
            yield base
        elif way.adapter:
            with with_weights(student, start):
                yield session
        else:
            yield session

    def has_time(_done: int, _total: int) -> bool:
        return may_go_on(deadline)

    plan = BenchPlan(tuple(prompts), _ways(spec), ANSWER_TOKENS, runs=1, baselines=_baselines(spec))
    found = compare(session, student.base_model, plan, has_time, session_of)
    if not found:
        report.warn(f"No time was left to compare before and after. {INSTEAD}")
    for one in found:
        report(one)


def _ways(spec: TrainSpec) -> tuple[Way, ...]:
    """What the user can have of the training, fast or exact."""
    if spec.kind == "heads":
        return (HEADS,)
    fast = tuple(Way("confadapt", one) for one in THRESHOLDS)
    # Sharded ranks must do the same passes; exact ones follow each rank's own clock.
    return fast if spec.shard else (*fast, VERIFIED)


def _baselines(spec: TrainSpec) -> tuple[Way, ...]:
    """What the trained adapter is held against; the base model's one-token decoding first."""
    if spec.changes_base:
        return (BASE_NEXT_TOKEN, NEXT_TOKEN)
    # Heads to go on from are fewer than those trained; they cannot take their place.
    if spec.start_from == "none" or spec.kind == "heads":
        return (NEXT_TOKEN,)
    return (NEXT_TOKEN, Way("confadapt", THRESHOLD, adapter_name(Path(spec.start_from))))


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
        f"construction, and checked on {many(len(prompts), 'prompt')}."
    )


def _one_token(session: Session, messages: tuple[Message, ...]) -> list[int]:
    session.forget()
    request = Request(messages, "next_token", max_new_tokens=CHECKED_TOKENS)
    events = session.stream(request, Cancel(), Threshold(1.0))
    return [one for event in events if isinstance(event, PassDone) for one in event.token_ids]
