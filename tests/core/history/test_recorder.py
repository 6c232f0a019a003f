"""An answer is kept while it streams, however it ends; the history never costs an answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import Cancelled, KnownError
from core.events import Event, GenerationEvent
from core.history import recorder
from core.history.recorder import record_answer, title_of
from core.history.store import HistoryStore
from tests.core.streams import INFO, REQUEST, TEXTS, answer, started

Record = Callable[..., Iterator[GenerationEvent]]


@pytest.fixture
def record(store: HistoryStore) -> Record:
    def start(events: Iterator[GenerationEvent], **more: object) -> Iterator[GenerationEvent]:
        fixed = {"store": store, "request": REQUEST, "info": INFO, "source": "cli", **more}
        return record_answer(events, **fixed)  # type: ignore[arg-type]

    return start


@pytest.fixture
def at_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SAVE_EVERY_SECONDS", 0.0)


def test_a_whole_answer_is_passed_on_and_kept(record: Record, store: HistoryStore) -> None:
    ids: list[str] = []
    assert list(record(answer(), chat_id="c", on_start=ids.append)) == list(answer())
    run = store.get_run(ids[0])
    assert (run.kind, run.state, run.source, run.chat_id) == ("answer", "completed", "cli", "c")
    assert (run.model, run.adapter, run.title) == ("toy", "swift", "Count to 9.")
    assert (run.prompt, run.answer) == ("Count to 9.\nIn words.", "".join(TEXTS))
    assert run.summary["tokens_per_pass"] == pytest.approx(7 / 3)
    assert run.summary["stop_reason"] == "end_token"
    assert (run.summary["threshold"], run.summary["k_max"]) == (0.9, 4)
    assert run.settings["system"] == "Be brief."
    assert run.settings["model_path"] == "/models/toy"
    assert run.machine["device"] == "cpu"
    assert run.machine["cpu"]
    assert store.trace(ids[0]) == tuple(answer())


def test_the_row_is_there_before_the_first_token(record: Record, store: HistoryStore) -> None:
    ids: list[str] = []
    stream = record(answer(), on_start=ids.append)
    next(stream)
    assert store.get_run(ids[0]).state == "running"
    list(stream)
    assert store.get_run(ids[0]).state == "completed"
    assert store.count_runs() == 1


def test_a_cancelled_answer_is_marked_stopped(record: Record, store: HistoryStore) -> None:
    list(record(answer("cancelled")))
    assert store.list_runs()[0].state == "stopped"


class _Closable:
    """A stream that tells whether it was closed."""

    def __init__(self) -> None:
        self.closed = False
        self._events = answer()

    def __iter__(self) -> Iterator[GenerationEvent]:
        return self

    def __next__(self) -> GenerationEvent:
        return next(self._events)

    def close(self) -> None:
        self.closed = True


def test_closing_keeps_what_was_there_and_closes_the_source(
    record: Record, store: HistoryStore
) -> None:
    source = _Closable()
    stream = record(source)
    seen = [next(stream) for _ in range(3)]
    stream.close()
    assert source.closed
    (row,) = store.list_runs()
    assert row.state == "interrupted"
    assert store.get_run(row.id).answer == "one two three"
    assert store.trace(row.id) == tuple(seen)


def breaking(error: BaseException) -> Iterator[GenerationEvent]:
    events = answer()
    yield next(events)
    yield next(events)
    raise error


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (KnownError("The GPU is out of memory.", "Close something."), "failed"),
        (ValueError(), "failed"),
        (Cancelled(), "stopped"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_broken_answer_is_kept_and_the_failure_goes_on(
    record: Record, store: HistoryStore, error: BaseException, state: str
) -> None:
    with pytest.raises(type(error)):
        list(record(breaking(error)))
    (row,) = store.list_runs()
    assert row.state == state
    assert store.get_run(row.id).answer == "one"
    expected = {"failed": str(error) or "ValueError"}.get(state)
    assert row.summary.get("error") == expected


def test_nothing_is_kept_of_an_answer_that_never_began(record: Record, store: HistoryStore) -> None:
    assert list(record(iter(()))) == []
    assert store.count_runs() == 0


@pytest.mark.usefixtures("at_every_event")
def test_a_growing_answer_is_saved_as_it_grows(record: Record, store: HistoryStore) -> None:
    stream = record(answer())
    seen: list[Event] = []
    for event in stream:
        seen.append(event)
        (row,) = store.list_runs()
        assert store.trace(row.id) == tuple(seen)
    assert store.get_run(row.id).state == "completed"


@pytest.mark.usefixtures("at_every_event")
def test_a_row_deleted_while_it_grows_stays_deleted(record: Record, store: HistoryStore) -> None:
    warnings: list[str] = []
    stream = record(answer(), warn=warnings.append)
    next(stream)
    store.delete_runs([store.list_runs()[0].id])
    assert len(list(stream)) == 4
    assert store.count_runs() == 0
    assert warnings == []


class _Failing:
    """A store whose disk is full for the calls named."""

    def __init__(self, store: HistoryStore, *calls: int) -> None:
        self._store, self._calls, self.count = store, calls, 0

    def save_run(self, *args: object, **more: object) -> bool:
        self.count += 1
        if self.count in self._calls:
            raise KnownError("The disk is full.", "Free some space.")
        return self._store.save_run(*args, **more)  # type: ignore[arg-type]


@pytest.mark.usefixtures("at_every_event")
@pytest.mark.parametrize("calls", [(1,), (2,), (3, 4)])
def test_a_store_that_fails_for_a_while_loses_nothing(
    record: Record, store: HistoryStore, calls: tuple[int, ...]
) -> None:
    warnings: list[str] = []
    failing = _Failing(store, calls[0])
    assert list(record(answer(), store=failing, warn=warnings.append)) == list(answer())
    assert failing.count == calls[0] + 1  # after a failure only the end is tried once more
    (row,) = store.list_runs()
    assert store.trace(row.id) == tuple(answer())
    assert store.get_run(row.id).state == "completed"
    assert warnings == [
        "This answer may be missing from the history. The disk is full. Free some space."
    ]


@pytest.mark.usefixtures("at_every_event")
def test_a_store_that_keeps_failing_warns_once(record: Record, store: HistoryStore) -> None:
    warnings: list[str] = []
    failing = _Failing(store, *range(1, 99))
    assert list(record(answer(), store=failing, warn=warnings.append)) == list(answer())
    assert len(warnings) == 1
    assert store.count_runs() == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from core.history import recorder
from core.history.store import HistoryStore
from tests.core.streams import INFO, REQUEST, answer

recorder.SAVE_EVERY_SECONDS = 0.0
with HistoryStore(Path(sys.argv[1])) as store:
    stream = recorder.record_answer(
        answer(), store=store, request=REQUEST, info=INFO, source="cli"
    )
    for _ in range(3):
        next(stream)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_process_leaves_what_was_there(database: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(database)],
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    with HistoryStore(database) as store:
        (row,) = store.list_runs()
        assert row.state == "interrupted"
        assert store.get_run(row.id).answer == "one two three"
        assert store.trace(row.id) == tuple(answer())[:3]
        assert store.trace(row.id)[0] == started()


def test_titles() -> None:
    assert title_of("\n  \n  Count. \nMore") == "Count."
    assert title_of("") == ""
    assert title_of("x" * 500) == "x" * 119 + "…"
