"""How good the adapter is on held-out rows: agreement by slot, tokens per pass, samples."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from core.control import Cancel, Threshold
from core.documents.records import Row
from core.engine.prompt import render
from core.engine.request import Message, Request, Strategy
from core.engine.session import Session
from core.errors import KnownError
from core.evaluate.prompts import BenchPrompt
from core.events import EvalDone, PassDone, SampleDone
from core.metrics import answer_figures
from core.train.data import Sample
from core.train.gated_student import GatedStudent
from core.train.judging import agreement_by_slot
from core.train.spec import TrainSpec

if TYPE_CHECKING:
    from core.train.student import Student

THRESHOLD = 0.9
DECODED_ROWS = 6
ANSWER_TOKENS = 64
SHOWN = 2


def held_out_chats(session: Session, rows: Iterable[Row]) -> Iterator[tuple[Message, ...]]:
    """What held-out rows ask: a chat without its answer, or the beginning of a text.

    Passed over are those that leave the model no room to answer.
    """
    for row in rows:
        turns = row.messages[:-1] or (Message("user", row.text.strip()[:400]),)
        if _has_room(session, turns):
            yield turns


def held_out_prompts(session: Session, rows: Iterable[Row]) -> Iterator[BenchPrompt]:
    """The same for a bench, without blank ones."""
    for turns in held_out_chats(session, rows):
        prompt = turns[-1].content
        if prompt.strip():
            is_alone = turns == (Message("user", prompt),)
            yield BenchPrompt(prompt, turns=() if is_alone else turns)


def _has_room(session: Session, turns: tuple[Message, ...]) -> bool:
    """Whether the model can read a chat and still answer; its template may refuse it, too."""
    try:
        length = len(render(session.loaded.tokenizer, turns)[1])
    except KnownError:
        return False
    return length < session.info.context_length


def decode_rows(
    session: Session,
    rows: Sequence[Row],
    strategy: Strategy = "confadapt",
    threshold: float = THRESHOLD,
    most: int = DECODED_ROWS,
) -> list[tuple[str, tuple[PassDone, ...]]]:
    """Prompt and passes of held-out rows, decoded as the user would."""
    decoded = []
    for messages in islice(held_out_chats(session, rows), most):
        request = Request(messages, strategy, max_new_tokens=ANSWER_TOKENS)
        events = session.stream(request, Cancel(), Threshold(threshold))
        passes = tuple(event for event in events if isinstance(event, PassDone))
        decoded.append((messages[-1].content, passes))
    return decoded


def evaluate(
    step: int,
    student: Student,
    rows: Sequence[Row],
    samples: Sequence[Sample],
    spec: TrainSpec,
) -> tuple[EvalDone, list[SampleDone]]:
    """One held-out evaluation after `step` steps; of the gated kind it calibrates first."""
    began = time.monotonic()
    if isinstance(student, GatedStudent):
        agreement = student.judge(samples)
    else:
        agreement = agreement_by_slot(student, samples, spec)
    decoded = decode_rows(Session(student.loaded, Path(spec.model), None), rows)
    figures = answer_figures([one for _, passes in decoded for one in passes])
    done = EvalDone(step, agreement, figures.tokens_per_pass, THRESHOLD, time.monotonic() - began)
    return done, [SampleDone(step, prompt, passes) for prompt, passes in decoded[:SHOWN]]
