"""House rules of every test: no display, no network, own folders, nothing left running."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.paths import Paths, user_paths


@pytest.fixture(autouse=True)
def stride_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All user data of a test lies below its own temporary folder."""
    home = tmp_path / "stride-home"
    monkeypatch.setenv("STRIDE_HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return home


@pytest.fixture
def paths(stride_home: Path) -> Paths:
    """The folders of the test's own user."""
    return user_paths()


@pytest.fixture(autouse=True)
def nothing_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test with a window that leaves a thread or a timer behind."""
    uses_qt = "qtbot" in request.fixturenames
    before = set(threading.enumerate())
    yield
    if not uses_qt or "PySide6.QtCore" not in sys.modules:
        return
    # A thread of Qt's that once ran Python stays listed as a dummy; Qt's own are looked at below.
    # The bar of transformers keeps a thread for good, though it does nothing any more.
    left = [
        thread.name
        for thread in threading.enumerate()
        if thread not in before
        and not isinstance(thread, threading._DummyThread)
        and thread.name != "tqdm_monitor"
    ]
    left += _live_qt_objects()
    assert not left, f"left running: {left}"


def _live_qt_objects() -> list[str]:
    import shiboken6
    from PySide6.QtCore import QThread, QTimer

    found = []
    for thing in gc.get_objects():
        # By type, not by isinstance: that asks lazy objects of other libraries to wake up.
        if not issubclass(type(thing), QThread | QTimer) or not shiboken6.isValid(thing):
            continue
        is_live = thing.isRunning() if isinstance(thing, QThread) else thing.isActive()
        is_main = isinstance(thing, QThread) and thing == QThread.currentThread()
        if is_live and not is_main:
            found.append(repr(thing))
    return found


@pytest.fixture
def make_stride(qtbot: Any, qapp: Any, paths: Paths) -> Iterator[Callable[..., Any]]:
    """Builds the whole application, its models faked; closes it afterwards."""
    from app.bootstrap import Application, build
    from tests.fakes import FakeOpener

    built: list[Application] = []

    def make(opener: FakeOpener | None = None) -> Application:
        stride = build(qapp, paths, opener or FakeOpener())
        built.append(stride)
        qtbot.addWidget(stride.window)
        stride.window.show()
        stride.window.start()
        return stride

    yield make
    for stride in built:
        stride.window.close()
        assert stride.window.has_ended
        for part in (stride.theme, stride.errors, stride.context.engine, stride.context.history):
            part.deleteLater()
    qapp.setStyleSheet("")
