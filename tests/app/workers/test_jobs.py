from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from PySide6.QtCore import QObject, QThread, Slot
from pytestqt.qtbot import QtBot

from app.errors import details_of
from app.workers.jobs import Jobs, Progress
from core.control import Cancel
from core.errors import Cancelled, KnownError


class Listener(QObject):
    """Writes down what arrives, and in which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, Any]] = []
        self.threads: set[QThread] = set()

    def _note(self, name: str, value: Any) -> None:
        self.seen.append((name, value))
        self.threads.add(QThread.currentThread())

    @Slot(object)
    def on_success(self, value: Any) -> None:
        self._note("success", value)

    @Slot(object)
    def on_failure(self, error: Any) -> None:
        self._note("failure", error)

    @Slot(str, object, object)
    def on_progress(self, phase: str, done: int, total: int) -> None:
        self._note("progress", (phase, done, total))


@pytest.fixture
def jobs(qtbot: QtBot) -> Jobs:
    jobs = Jobs()
    yield jobs
    assert jobs.close()


class Weights:
    """Something large."""


@pytest.mark.parametrize("error", [Cancelled(), KnownError("No."), ValueError("a bug")])
def test_a_job_that_fails_lets_go_of_what_it_held(
    qtbot: QtBot, jobs: Jobs, error: Exception
) -> None:
    held: list[weakref.ref[Weights]] = []

    def work(_cancel: Cancel, _progress: Progress) -> None:
        weights = Weights()
        held.append(weakref.ref(weights))
        raise error

    crashed: list[Exception] = []
    jobs.crashed.connect(crashed.append)
    gc.disable()
    try:
        jobs.start(work, failed=Listener().on_failure)
        qtbot.waitUntil(lambda: jobs.is_idle)
        assert held[0]() is None
    finally:
        gc.enable()
    assert ["raise error" in details_of(one) for one in crashed] == [True] * len(crashed)
    assert bool(crashed) == isinstance(error, ValueError)


def test_result_and_progress_arrive_in_the_window_thread(qtbot: QtBot, jobs: Jobs) -> None:
    listener = Listener()
    worker_threads = []

    def work(cancel: Cancel, progress: Progress) -> str:
        worker_threads.append(threading.current_thread())
        progress("Downloading", 5_000_000_000, 6_000_000_000)
        return "done"

    jobs.start(work, listener.on_success, listener.on_failure, listener.on_progress)
    qtbot.waitUntil(lambda: jobs.is_idle)
    assert listener.seen == [
        ("progress", ("Downloading", 5_000_000_000, 6_000_000_000)),
        ("success", "done"),
    ]
    assert listener.threads == {QThread.currentThread()}
    assert worker_threads[0] is not threading.main_thread()


def test_many_reports_of_a_phase_are_thinned_out_but_the_last_one_arrives(
    qtbot: QtBot, jobs: Jobs
) -> None:
    listener = Listener()

    def work(cancel: Cancel, progress: Progress) -> None:
        for done in range(1, 10_001):
            progress("Downloading", done, 10_000)

    jobs.start(work, progress=listener.on_progress)
    qtbot.waitUntil(lambda: jobs.is_idle)
    assert len(listener.seen) < 1000
    assert listener.seen[-1] == ("progress", ("Downloading", 10_000, 10_000))


def test_a_known_failure_goes_to_its_handler_or_to_all(qtbot: QtBot, jobs: Jobs) -> None:
    listener = Listener()

    def work(cancel: Cancel, progress: Progress) -> None:
        raise KnownError("The disk is full.", "Free some space.")

    jobs.start(work, failed=listener.on_failure)
    qtbot.waitUntil(lambda: jobs.is_idle)
    assert [str(error) for _, error in listener.seen] == ["The disk is full. Free some space."]
    with qtbot.waitSignal(jobs.failed) as shown:
        jobs.start(work)
    assert shown.args[0].sentence == "The disk is full."
    qtbot.waitUntil(lambda: jobs.is_idle)


def test_a_bug_is_always_shown(qtbot: QtBot, jobs: Jobs) -> None:
    def work(cancel: Cancel, progress: Progress) -> None:
        raise ZeroDivisionError("a bug")

    with qtbot.waitSignal(jobs.crashed) as shown:
        jobs.start(work, failed=Listener().on_failure)
    assert isinstance(shown.args[0], ZeroDivisionError)
    qtbot.waitUntil(lambda: jobs.is_idle)


def test_a_cancelled_job_ends_without_a_result(qtbot: QtBot, jobs: Jobs) -> None:
    listener = Listener()
    is_under_way = threading.Event()
    may_go_on = threading.Event()

    def work(cancel: Cancel, progress: Progress) -> str:
        is_under_way.set()
        may_go_on.wait(10)
        cancel.check()
        return "never"

    job = jobs.start(work, listener.on_success, listener.on_failure)
    assert is_under_way.wait(10)
    job.cancel()
    may_go_on.set()
    qtbot.waitUntil(lambda: jobs.is_idle)
    assert listener.seen == []
