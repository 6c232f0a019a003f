"""Writes an answer into the history while it streams past; free of SQLAlchemy itself.

The history never costs the user an answer: if it cannot be written, the events flow on and one
sentence says so.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol

from core.device import machine_record
from core.engine.request import Request, SessionInfo
from core.errors import Cancelled, KnownError
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone, RunState
from core.history.records import RunDetail, Source
from core.metrics import answer_figures

SAVE_EVERY_SECONDS = 2.0
TITLE_LENGTH = 120


class RunSaver(Protocol):
    """What recording needs of a `HistoryStore`."""

    def save_run(
        self, run: RunDetail, events: Sequence[GenerationEvent] = (), *, create: bool = True
    ) -> bool:
        """See `HistoryStore.save_run`."""
        ...


def record_answer(  # noqa: PLR0913  (all but the first go by keyword)
    events: Iterator[GenerationEvent],
    *,
    store: RunSaver,
    request: Request,
    info: SessionInfo,
    source: Source,
    chat_id: str | None = None,
    on_start: Callable[[str], None] = lambda _id: None,
    warn: Callable[[str], None] = lambda _sentence: None,
) -> Generator[GenerationEvent, None, None]:
    """Pass the events of an answer through and keep them, also when it is broken off.

    Closing this generator closes `events`. The row is written at the first event, every two
    seconds of decoding and at the end, so that a killed process leaves what was there.

    Args:
        events: The stream of `Session.stream`.
        store: Where the answer is kept.
        request: What was asked for.
        info: The session that answers.
        source: Who asked.
        chat_id: The chat it belongs to, if any.
        on_start: Is called with the run's id before the first event is passed on.
        warn: Is called once, with a sentence, if the history cannot be written.
    """
    recording = _Recording(store, request, info, source, chat_id, warn)
    state: RunState = "interrupted"
    try:
        for event in events:
            first = recording.started is None
            recording.add(event)
            if first:
                on_start(recording.run_id)
            yield event
        state = recording.end_state
    except Cancelled:
        state = "stopped"
        raise
    except Exception as error:
        state, recording.error = "failed", str(error) or type(error).__name__
        raise
    finally:
        try:
            getattr(events, "close", lambda: None)()
        finally:
            recording.save(state)


class _Recording:
    """One answer as far as it got, and how much of it the history holds."""

    def __init__(
        self,
        store: RunSaver,
        request: Request,
        info: SessionInfo,
        source: Source,
        chat_id: str | None,
        warn: Callable[[str], None],
    ) -> None:
        self.run_id = uuid.uuid4().hex[:12]
        self.started: GenerationStarted | None = None
        self.error = ""
        self._store, self._request, self._info = store, request, info
        self._source, self._chat_id, self._warn = source, chat_id, warn
        self._passes: list[PassDone] = []
        self._ended: GenerationEnded | None = None
        self._unsaved: list[GenerationEvent] = []
        self._exists = self._failed = False
        self._created_at, self._saved_at = time.time(), 0.0
        self._machine: dict[str, object] = {}

    @property
    def end_state(self) -> RunState:
        """What a stream that ran dry came to."""
        if self._ended is None:
            return "interrupted"
        return "stopped" if self._ended.stop_reason == "cancelled" else "completed"

    def add(self, event: GenerationEvent) -> None:
        """Take an event in and save if it is time to."""
        self._unsaved.append(event)
        match event:
            case GenerationStarted():
                self.started = event
                device = {"device": event.device, "dtype": event.dtype}
                self._machine = {**machine_record(), **device}
            case PassDone():
                self._passes.append(event)
            case GenerationEnded():
                self._ended = event
        if not self._failed and time.monotonic() - self._saved_at >= SAVE_EVERY_SECONDS:
            self.save("running")

    def save(self, state: RunState) -> None:
        """Bring the history up to date; after a failure only the end is tried once more."""
        if self.started is None:
            return
        try:
            create = self._failed or not self._exists
            self._store.save_run(self._run(self.started, state), self._unsaved, create=create)
        except KnownError as error:
            if not self._failed:
                self._warn(f"This answer may be missing from the history. {error}")
            self._failed = True
            return
        self._exists, self._saved_at = True, time.monotonic()
        self._unsaved = []

    def _run(self, started: GenerationStarted, state: RunState) -> RunDetail:
        prompt = self._request.messages[-1].content if self._request.messages else ""
        text = "".join(one.text for one in self._passes)
        return RunDetail(
            id=self.run_id,
            kind="answer",
            state=state,
            created_at=self._created_at,
            source=self._source,
            model=started.model,
            adapter=started.adapter,
            title=title_of(prompt),
            chat_id=self._chat_id,
            summary=self._summary(started),
            prompt=prompt,
            answer=self._ended.text if self._ended else text,
            settings=self._settings(),
            machine=self._machine,
            run_dir=None,
        )

    def _summary(self, started: GenerationStarted) -> dict[str, object]:
        figures = dataclasses.asdict(answer_figures(self._passes))
        del figures["block_sizes"]  # the trace has them
        held = [one.threshold for one in self._passes if not one.is_exact]
        last = (held[-1] if held else None) if self._passes else started.threshold
        return {
            **figures,
            "stop_reason": self._ended.stop_reason if self._ended else None,
            "strategy": started.strategy,
            "threshold": last,
            "k_max": started.k_max,
            "prompt_tokens": started.prompt_tokens,
            "reused_tokens": started.reused_tokens,
            "mtp_off_reason": started.mtp_off_reason,
            **({"error": self.error} if self.error else {}),
        }

    def _settings(self) -> dict[str, object]:
        settings = dataclasses.asdict(self._request)
        messages = settings.pop("messages")
        system = "".join(one["content"] for one in messages if one["role"] == "system")
        paths = {"model_path": self._info.model_path, "adapter_path": self._info.adapter_path}
        return {**settings, "system": system, **paths}


def title_of(text: str) -> str:
    """The first line that says something, cut to fit a list."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1]}…"
