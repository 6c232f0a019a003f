"""What the window costs a decoding: the starter's answer with the chat in view and without."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QApplication
from support import paths_in, wait

from app.bootstrap import build
from app.context import SettingsHolder
from app.navigation import CHAT, HOME
from app.workers.decoding import Progress, session_factory
from core.control import Cancel, Threshold
from core.engine.request import LoadSpec, Message, Request
from core.evaluate.prompts import demo_prompts
from core.model.store import resolve_model
from core.paths import Paths, user_paths
from core.settings import Settings

PAIRS = 30
TOKENS = 200
DRAWS = 2000


class Timed:
    """A session that notes how long its answers take, whoever reads them."""

    def __init__(self, session: Any) -> None:
        self.seconds: list[float] = []
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def stream(self, request: Request, cancel: Cancel, threshold: Threshold) -> Iterator[Any]:
        """The session's own, with a clock; each answer reads its whole prompt."""
        self._session.forget()
        began = time.perf_counter()
        yield from self._session.stream(request, cancel, threshold)
        self.seconds.append(time.perf_counter() - began)


class Decoding:
    """The same answer in the engine's thread of one window, shown in its chat or to nobody."""

    def __init__(self, app: QApplication, paths: Paths) -> None:
        model = str(resolve_model("starter", user_paths(), Settings()))
        self._real = session_factory(paths, SettingsHolder(paths.settings_file))
        self._prompt = demo_prompts()[0].prompt
        self._request = Request((Message("user", self._prompt),), max_new_tokens=TOKENS)
        self._stride = build(app, paths, self._open)
        self.window = self._stride.window
        self.window.show()
        self.window.start()
        self._engine = self._stride.context.engine
        self._engine.load(LoadSpec(model, "starter"))
        wait(lambda: self._engine.info is not None)
        self.window.chat.header.max_new_tokens.setValue(TOKENS)

    def _open(self, spec: LoadSpec, progress: Progress) -> Any:
        self._session = Timed(self._real(spec, progress))
        return self._session

    def without(self) -> float:
        """Seconds of the answer while nobody looks."""
        self.window.show_page(HOME)
        over: list[bool] = []

        def decode() -> None:
            for _ in self._session.stream(self._request, Cancel(), Threshold(0.9)):
                pass
            over.append(True)

        self._engine.do(decode)
        wait(lambda: bool(over))
        return self._session.seconds[-1]

    def shown(self) -> float:
        """Seconds of the answer while the chat shows and records it."""
        self.window.show_page(CHAT)
        self.window.chat.new_chat()
        self.window.chat.send(self._prompt)
        wait(lambda: not self._engine.is_answering)
        return self._session.seconds[-1]


def measure(app: QApplication) -> dict[str, float]:
    """The time with the window over the time without, of pairs one after the other."""
    with tempfile.TemporaryDirectory() as home:
        decoding = Decoding(app, paths_in(Path(home)))
        ratios = []
        for number in range(-1, PAIRS):
            if number % 2:
                shown, without = decoding.shown(), decoding.without()
            else:
                without, shown = decoding.without(), decoding.shown()
            if number >= 0:  # the first pair warms up
                ratios.append(shown / without)
        decoding.window.close()
    return _median(ratios)


def _median(ratios: list[float]) -> dict[str, float]:
    """The median with its 95 % interval from a bootstrap over the pairs."""
    drawn = np.random.default_rng(0).choice(ratios, size=(DRAWS, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return {"median": float(np.median(ratios)), "low": float(low), "high": float(high)}
