"""When cycles are collected, and in which thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.workers import collector
from app.workers.collector import Collector
from core.engine.request import LoadSpec


class Cycle:
    """Only the collector lets it go; notes the thread in which it does."""

    def __init__(self, ends: list[int]) -> None:
        self.me = self
        weakref.finalize(self, lambda: ends.append(threading.get_ident()))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> Iterator[Collector]:
    monkeypatch.setattr(collector, "INTERVAL_MS", 5)
    monkeypatch.setattr(collector, "FULL_EVERY", 3)
    made = Collector()
    yield made
    made.close()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("generation", [0, 2])
def test_cycles_go_in_the_windows_thread_alone(
    qtbot: QtBot, watched: Collector, generation: int
) -> None:
    ends: list[int] = []
    cycle = Cycle(ends)
    gc.collect(generation)  # now it counts as young, or as old
    del cycle

    def work() -> None:
        for _ in range(3000):  # would set off a collection of Python's own here
            Cycle(ends)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ends == []
    qtbot.waitUntil(lambda: len(ends) == 3001)
    assert set(ends) == {threading.get_ident()}


def test_what_is_spared_goes_once_all_is_looked_through(watched: Collector) -> None:
    ends: list[int] = []
    cycle = Cycle(ends)
    watched.spare()
    del cycle
    gc.collect()
    assert ends == []
    watched.look_through_all()
    assert len(ends) == 1
    assert gc.get_freeze_count() > 0


def test_a_window_spares_what_it_opened_until_it_closes(
    qtbot: QtBot, make_stride: Callable[..., Application]
) -> None:
    stride = make_stride()
    engine, history = stride.context.engine, stride.context.history
    qtbot.waitUntil(lambda: history.store is not None)
    assert not gc.isenabled()
    before = gc.get_freeze_count()
    assert before > 0
    with qtbot.waitSignal(engine.loaded):
        engine.load(LoadSpec("toy"))
    assert gc.get_freeze_count() > before
    ends: list[int] = []
    cycle = Cycle(ends)
    gc.freeze()
    del cycle
    with qtbot.waitSignal(engine.unloaded):
        engine.unload()
    assert ends == [threading.get_ident()]
    stride.window.close()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
