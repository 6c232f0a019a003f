"""A session without a model: it answers with scripted passes."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from app.context import AppContext
from core.control import Cancel, Threshold
from core.engine.request import EXACT_STRATEGIES, LoadSpec, Request, SessionInfo
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone, StopReason
from core.paths import Paths

INFO = SessionInfo(
    model="toy",
    model_path="/models/toy",
    adapter="toy-adapter",
    adapter_path="/adapters/toy",
    device="CPU",
    dtype="float32",
    k_max=8,
    context_length=2048,
    memory_bytes=1 << 20,
    mtp_off_reason="",
)

ANSWER = "Two **bold** words, then `code`."


def tokens_of(text: str) -> list[str]:
    """Words with the blank before them, punctuation and line ends alone: as tokenizers do."""
    return re.findall(r" ?[^\W\d_]{1,7}|\d| ?[^\w\s]|\n|\s+|_", text)


def scripted_passes(
    text: str, sizes: Sequence[int] = (1, 3, 2, 5, 1, 4), threshold: float = 0.9, k_max: int = 8
) -> list[PassDone]:
    """Passes that give `text` in blocks of these sizes, over and over."""
    tokens = tokens_of(text)
    passes: list[PassDone] = []
    at = 0
    while at < len(tokens):
        size = sizes[len(passes) % len(sizes)]
        passes.append(make_pass(tokens, at, size, len(passes), threshold, k_max))
        at += size
    return passes


def make_pass(
    tokens: Sequence[str], at: int, size: int, index: int, threshold: float = 0.9, k_max: int = 8
) -> PassDone:
    """The pass that keeps `size` tokens from number `at` on; the next slot is unsure."""
    kept = tokens[at : at + size]
    proposed = range(at, min(at + k_max, len(tokens)))
    confidences = [
        0.995 - 0.012 * slot if slot < size else max(threshold - 0.1 * (slot - size + 1), 0.05)
        for slot in range(len(proposed))
    ]
    return PassDone(
        index=index,
        token_ids=tuple(range(at, at + len(kept))),
        text="".join(kept),
        proposed_ids=tuple(proposed),
        confidences=tuple(confidences),
        alternatives=tuple(((7, " other", 0.003), (8, " else", 0.001)) for _ in proposed),
        refused=0,
        threshold=threshold,
        width=len(proposed),
        seconds=0.02,
        pieces=tuple(kept),
        proposed_texts=tuple(tokens[number] for number in proposed),
    )


def exact_pass(
    tokens: Sequence[str], at: int, held: int, refused: int, provisional: int, index: int
) -> PassDone:
    """The pass that confirms `held` tokens from number `at` on, and passes on `provisional`."""
    slot1 = at + held
    final = tokens[at : slot1 + 1]
    proposed = range(slot1, min(slot1 + 1 + provisional, len(tokens)))
    return dataclasses.replace(
        make_pass(tokens, at, len(final), index),
        proposed_ids=tuple(proposed),
        confidences=(0.9,) * len(proposed),
        alternatives=((),) * len(proposed),
        refused=refused,
        proposed_texts=tuple(tokens[number] for number in proposed),
        confirmed=min(held, len(final)),
        provisional=max(0, len(proposed) - 1),
        is_exact=True,
    )


def exact_passes(text: str, sizes: Sequence[int] = (3, 2, 1, 4)) -> list[PassDone]:
    """An exact answer: of these many proposals a pass every third time the last one falls."""
    tokens, at, waiting = tokens_of(text), 0, 0
    passes: list[PassDone] = []
    while at < len(tokens):
        fallen = 1 if waiting and len(passes) % 3 == 2 else 0
        size = 0 if fallen else sizes[len(passes) % len(sizes)]
        done = exact_pass(tokens, at, waiting - fallen, fallen, size, len(passes))
        passes.append(done)
        at, waiting = at + len(done.token_ids), done.provisional
    return passes


def started(**changes: object) -> GenerationStarted:
    """The beginning of a scripted answer."""
    fields: dict[str, object] = {
        "model": INFO.model,
        "adapter": INFO.adapter,
        "strategy": "confadapt",
        "k_max": 8,
        "threshold": 0.9,
        "device": INFO.device,
        "dtype": INFO.dtype,
        "prompt_text": "<user>Hello",
        "prompt_tokens": 12,
        "reused_tokens": 0,
        "mtp_off_reason": "",
    }
    return GenerationStarted(**{**fields, **changes})  # type: ignore[arg-type]


def ended(passes: Sequence[PassDone], reason: StopReason = "end_token") -> GenerationEnded:
    """The end of these passes."""
    return GenerationEnded(
        stop_reason=reason,
        text="".join(one.text for one in passes),
        tokens=sum(len(one.token_ids) for one in passes),
        passes=len(passes),
        seconds=sum(one.seconds for one in passes),
    )


def scripted_events(text: str = ANSWER) -> list[GenerationEvent]:
    """A whole scripted answer."""
    passes = scripted_passes(text)
    return [started(), *passes, ended(passes)]


class FakeSession:
    """Answers every request with the same text.

    One token a pass at threshold 1.0 or by the one-token strategy, else blocks whose sizes
    shrink as the threshold rises, so that a moved slider shows.

    Attributes:
        requests: Everything it was asked.
    """

    def __init__(
        self,
        text: str = ANSWER,
        *,
        info: SessionInfo = INFO,
        seconds: float = 0.0,
        error: Exception | None = None,
    ) -> None:
        self.info = info
        self.text = text
        self.seconds = seconds
        self.error = error
        self.requests: list[Request] = []
        self.is_closed = False

    def stream(
        self, request: Request, cancel: Cancel, threshold: Threshold
    ) -> Iterator[GenerationEvent]:
        """Scripted events; the threshold is read at every pass."""
        self.requests.append(request)
        yield started(strategy=request.strategy, threshold=threshold.value)
        tokens, at = tokens_of(self.text), 0
        passes: list[PassDone] = []
        reason: StopReason = "end_token"
        while at < len(tokens):
            if cancel.is_set:
                reason = "cancelled"
                break
            size = self._size(request, threshold.value, len(passes))
            if threshold.is_exact or request.strategy in EXACT_STRATEGIES[1:]:
                waiting = passes[-1].provisional if passes else 0
                done = exact_pass(tokens, at, waiting, 0, 2, len(passes))
                size = len(done.token_ids)
            else:
                done = make_pass(tokens, at, size, len(passes), threshold.value)
            if self.seconds:
                time.sleep(self.seconds)
            passes.append(done)
            at += size
            yield done
            if self.error is not None:
                raise self.error
        yield ended(passes, reason)

    def twin(self) -> FakeSession:
        """Another one like it."""
        return FakeSession(self.text, info=self.info, seconds=self.seconds)

    def close(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True

    def _size(self, request: Request, threshold: float, index: int) -> int:
        if request.strategy == "next_token" or threshold >= 1.0:
            return 1
        most = 2 + round((1.0 - threshold) * 20)
        return 1 + (index * 7) % min(most, request.k_max or 8)


class FakeOpener:
    """Stands where the session factory stands; reports progress like a real load."""

    def __init__(self, session: FakeSession | None = None, error: Exception | None = None) -> None:
        self.session = session or FakeSession()
        self.error = error
        self.specs: list[LoadSpec] = []

    def __call__(self, spec: LoadSpec, progress: object) -> FakeSession:
        """Open the fake."""
        self.specs.append(spec)
        progress("Reading weights", 1, 2)  # type: ignore[operator]
        if self.error is not None:
            raise self.error
        progress("Reading weights", 2, 2)  # type: ignore[operator]
        return self.session


def make_context(paths: Paths, settings: Any, history: Any, engine: Any, jobs: Any) -> AppContext:
    """What pages are built from; nothing is trained."""
    from app.workers.loan import MemoryLoan
    from app.workers.training import TrainingController

    training = TrainingController(paths, jobs, history, jobs)

    def open_session(_spec: LoadSpec, _progress: Any) -> FakeSession:
        return FakeSession()

    loan = MemoryLoan(engine, jobs)
    return AppContext(paths, settings, history, engine, jobs, training, loan, open_session)
