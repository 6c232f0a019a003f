"""The controller and its thread, with a fake session."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.workers.engine import EngineController
from core.engine.request import LoadSpec, Message, Request
from core.errors import KnownError
from core.events import GenerationEnded, PassDone
from core.history.store import HistoryStore
from core.paths import Paths
from tests.fakes import INFO, FakeOpener, FakeSession

LONG = "one two three four five six seven eight nine ten " * 40
SPEC = LoadSpec("toy")


def request() -> Request:
    return Request(messages=(Message("user", "Hello"),))


@pytest.fixture
def engines(qtbot: QtBot) -> Iterator[list[EngineController]]:
    made: list[EngineController] = []
    yield made
    for engine in made:
        assert engine.close()


def ready(qtbot: QtBot, engines: list[EngineController], opener: FakeOpener) -> EngineController:
    engine = EngineController(opener)
    engines.append(engine)
    with qtbot.waitSignal(engine.loaded):
        engine.load(SPEC)
    return engine


def test_a_load_reports_progress_and_then_what_is_loaded(
    qtbot: QtBot, engines: list[EngineController]
) -> None:
    opener = FakeOpener()
    engine = EngineController(opener)
    engines.append(engine)
    progress: list[tuple[str, int, int]] = []
    engine.loading.connect(lambda *news: progress.append(news))
    with qtbot.waitSignal(engine.loaded) as loaded:
        engine.load(SPEC)
        assert engine.is_loading
    assert loaded.args == [INFO]
    assert progress == [("Reading weights", 1, 2), ("Reading weights", 2, 2)]
    assert engine.is_ready
    assert opener.specs == [SPEC]


def test_an_answer_streams_its_events_in_order_and_ends(
    qtbot: QtBot, engines: list[EngineController]
) -> None:
    session = FakeSession("one two three")
    engine = ready(qtbot, engines, FakeOpener(session))
    events: list[object] = []
    threads: set[int] = set()

    def keep(event: object) -> None:
        events.append(event)
        threads.add(threading.get_ident())

    engine.answer_event.connect(keep)
    with qtbot.waitSignals([engine.started_answer, engine.finished]):
        engine.generate(request())
        assert engine.is_answering
    assert isinstance(events[-1], GenerationEnded)
    assert events[-1].text == "one two three"
    assert engine.is_ready
    assert threads == {threading.get_ident()}


def test_a_stopped_answer_says_so(qtbot: QtBot, engines: list[EngineController]) -> None:
    engine = ready(qtbot, engines, FakeOpener(FakeSession(LONG, seconds=0.005)))
    events: list[object] = []
    engine.answer_event.connect(events.append)
    engine.generate(request())
    qtbot.waitUntil(lambda: len(events) > 3)
    with qtbot.waitSignal(engine.finished):
        engine.cancel()
    ended = events[-1]
    assert isinstance(ended, GenerationEnded)
    assert ended.stop_reason == "cancelled"
    assert len(ended.text) < len(LONG)


def test_a_moved_threshold_acts_on_the_passes_that_follow(
    qtbot: QtBot, engines: list[EngineController]
) -> None:
    engine = ready(qtbot, engines, FakeOpener(FakeSession(LONG, seconds=0.005)))
    passes: list[PassDone] = []
    engine.answer_event.connect(
        lambda event: passes.append(event) if isinstance(event, PassDone) else None
    )
    engine.set_threshold(1.0)
    engine.generate(request())
    qtbot.waitUntil(lambda: len(passes) > 3)
    assert all(len(one.token_ids) == 1 for one in passes)
    engine.set_threshold(0.5)
    qtbot.waitUntil(lambda: any(len(one.token_ids) > 1 for one in passes))
    assert passes[-1].threshold == 0.5
    engine.cancel()
    qtbot.waitUntil(lambda: not engine.is_answering)


def test_a_failed_load_leaves_the_engine_usable(
    qtbot: QtBot, engines: list[EngineController]
) -> None:
    opener = FakeOpener(error=KnownError("No such model.", "Choose another."))
    engine = EngineController(opener)
    engines.append(engine)
    errors: list[Exception] = []
    engine.failed.connect(errors.append)
    with qtbot.waitSignal(engine.unloaded):
        engine.load(SPEC)
    assert [str(error) for error in errors] == ["No such model. Choose another."]
    assert errors[0].__traceback__ is None
    assert not engine.is_loading
    opener.error = None
    with qtbot.waitSignal(engine.loaded):
        engine.load(SPEC)


def test_a_failure_while_answering_ends_the_answer_and_keeps_the_model(
    qtbot: QtBot, engines: list[EngineController]
) -> None:
    session = FakeSession(LONG, error=KnownError("The device ran out of memory."))
    engine = ready(qtbot, engines, FakeOpener(session))
    with qtbot.waitSignals([engine.failed, engine.finished]):
        engine.generate(request())
    assert engine.is_ready


def test_another_load_and_an_unload_close_the_session(
    qtbot: QtBot, engines: list[EngineController]
) -> None:
    first = FakeSession()
    opener = FakeOpener(first)
    engine = ready(qtbot, engines, opener)
    opener.session = second = FakeSession()
    with qtbot.waitSignal(engine.loaded):
        engine.load(SPEC)
    assert first.is_closed
    assert not second.is_closed
    with qtbot.waitSignal(engine.unloaded):
        engine.unload()
    assert second.is_closed
    assert engine.info is None


def test_closing_while_answering_stops_and_frees(qtbot: QtBot) -> None:
    session = FakeSession(LONG, seconds=0.005)
    engine = EngineController(FakeOpener(session))
    with qtbot.waitSignal(engine.loaded):
        engine.load(SPEC)
    with qtbot.waitSignal(engine.answer_event):
        engine.generate(request())
    assert engine.close()
    assert session.is_closed


def test_answers_are_recorded_with_their_passes(
    qtbot: QtBot, engines: list[EngineController], paths: Paths
) -> None:
    with HistoryStore(paths.database) as store:
        engine = EngineController(FakeOpener(FakeSession("one two three")), lambda: store)
        engines.append(engine)
        with qtbot.waitSignal(engine.loaded):
            engine.load(SPEC)
        run_ids: list[str] = []
        engine.started_answer.connect(run_ids.append)
        with qtbot.waitSignal(engine.finished):
            engine.generate(request(), "chat-1")
        (run_id,) = run_ids
        run = store.get_run(run_id)
        assert run.answer == "one two three"
        assert run.chat_id == "chat-1"
        assert run.state == "completed"
        ended = store.trace(run_id)[-1]
        assert isinstance(ended, GenerationEnded)
