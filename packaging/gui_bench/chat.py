"""The chat: the event loop while 500 tokens a second come, and 100,000 coloured tokens."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from support import RecordedSession, paths_in, recorded, spread, wait

from app.bootstrap import build
from app.navigation import CHAT
from app.pages.chat.conversation import Conversation
from app.pages.chat.turns import AnswerTurn
from app.workers.collector import Collector
from core.engine.request import LoadSpec
from core.history.records import Turn

TICK_MS = 16
RATE = 500.0
STREAMED = 5000
TURNS, TURN_TOKENS = 100, 1000
SCROLLS = 300


def ticks(app: QApplication) -> dict[str, float]:
    """Milliseconds between two ticks of a 16 ms timer while a recorded answer plays."""
    with tempfile.TemporaryDirectory() as home:
        events = recorded(STREAMED)
        stride = build(app, paths_in(Path(home)), lambda *_: RecordedSession(events, RATE))
        window, engine = stride.window, stride.context.engine
        window.show()
        window.start()
        engine.load(LoadSpec("recorded"))
        wait(lambda: engine.info is not None and stride.context.history.store is not None)
        window.show_page(CHAT)
        times: list[float] = []
        timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        timer.timeout.connect(lambda: times.append(time.perf_counter()))
        window.chat.header.max_new_tokens.setValue(2 * STREAMED)
        window.chat.send("Go on.")
        timer.start()
        wait(lambda: not engine.is_answering)
        timer.stop()
        window.close()
    gaps = [(after - before) * 1000 for before, after in pairwise(times)]
    return spread(gaps)


def scrolling(app: QApplication) -> dict[str, dict[str, float]]:
    """Milliseconds the window's thread is held by a step of scrolling, and by restyling."""
    collector = Collector()  # a whole window has its own
    collector.spare()
    view = Conversation()
    view.resize(900, 700)
    events = recorded(TURN_TOKENS)
    text = events[-1].text  # type: ignore[union-attr]  # the last one is the end
    view.fill_requested.connect(lambda turn: turn.fill(events))
    view.show()
    asked = Turn("user", "Go on.")
    view.show_turns(tuple(one for _ in range(TURNS) for one in (asked, Turn("assistant", text))))
    _settle(app)
    bar = view.verticalScrollBar()

    def scrolled(places: Iterable[int]) -> list[float]:
        return [
            _held(app, lambda at=at: bar.setValue(bar.maximum() * at // SCROLLS)) for at in places
        ]

    first_time = scrolled(range(SCROLLS, -1, -1))
    wait(lambda: all(one.is_filled for one in view.turns if isinstance(one, AnswerTurn)), 20.0)
    again = scrolled(range(SCROLLS + 1))
    restyle = [
        _held(app, lambda mode=mode: view.set_colour_mode(mode))
        for mode in ("confidence", "pass", "slot", "off", "pass")
    ]
    collecting = [_held(app, gc.collect) for _ in range(5)]  # twice a minute in the window
    view.close()
    collector.close()
    return {
        "first_time": spread(first_time),
        "again": spread(again),
        "other_colours": spread(restyle),
        "collecting_cycles": spread(collecting),
    }


def _held(app: QApplication, act: Callable[[], None]) -> float:
    """The longest that one turn of the event loop takes after an act, in milliseconds."""
    began = time.perf_counter()
    act()
    longest = 0.0
    for _ in range(4):  # what an act sets off comes in later turns
        app.processEvents()
        now = time.perf_counter()
        longest, began = max(longest, now - began), now
        time.sleep(0.006)
        began = time.perf_counter()
    return longest * 1000


def _settle(app: QApplication, seconds: float = 1.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
