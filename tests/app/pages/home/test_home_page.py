from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from app.context import History, SettingsHolder
from app.pages.home import starter_card
from app.pages.home.page import HomePage
from app.pages.home.starter_card import Speed, StarterCard, State
from app.workers.engine import EngineController
from app.workers.jobs import Jobs, Progress
from core.control import Cancel
from core.errors import KnownError
from core.paths import Paths
from tests.fakes import FakeOpener, make_context


class FakeFetch:
    """Stands where `fetch_starter` stands: reports, then waits until it may end."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.error: KnownError | None = None
        self.offline: bool | None = None

    def __call__(self, paths: Paths, progress: Progress, cancel: Cancel, *, offline: bool) -> Path:
        self.offline = offline
        progress("Downloading the starter model", 40_000_000, 92_000_000)
        while not self.may_end.wait(0.01):
            cancel.check()
        if self.error is not None:
            raise self.error
        return paths.models


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch) -> FakeFetch:
    fake = FakeFetch()
    monkeypatch.setattr(starter_card.starter, "fetch_starter", fake)
    return fake


@pytest.fixture
def page(qtbot: QtBot, paths: Paths, fetch: FakeFetch) -> Iterator[HomePage]:
    jobs = Jobs()
    engine = EngineController(FakeOpener())
    holder = SettingsHolder(paths.settings_file)
    page = HomePage(make_context(paths, holder, History(paths, jobs), engine, jobs))
    qtbot.addWidget(page)
    page.show()
    yield page
    assert engine.close()
    assert jobs.close()


def card(page: HomePage) -> StarterCard:
    found: StarterCard = page.findChild(StarterCard)
    return found


def shown_buttons(page: HomePage) -> list[str]:
    return [one.text() for one in card(page).findChildren(QPushButton) if one.isVisible()]


def look(qtbot: QtBot, page: HomePage) -> None:
    page.look()
    qtbot.waitUntil(lambda: card(page).state is not State.UNKNOWN)


def test_licence_size_and_source_stand_before_the_download(qtbot: QtBot, page: HomePage) -> None:
    look(qtbot, page)
    texts = "\n".join(label.text() for label in card(page).findChildren(QLabel))
    for part in ("Apache-2.0", "92.9 MB to download", "272.6 MB on disk", "pypi.org"):
        assert part in texts
    assert shown_buttons(page) == ["Download"]


def test_download_shows_progress_then_leads_to_the_chat(
    qtbot: QtBot, page: HomePage, fetch: FakeFetch
) -> None:
    look(qtbot, page)
    card(page).download()
    bar = card(page).findChild(QProgressBar)
    qtbot.waitUntil(lambda: bar.value() == 434)
    assert shown_buttons(page) == ["Cancel"]
    assert "40.0 MB of 92.0 MB" in card(page)._status.text()
    with qtbot.waitSignal(page.starter_fetched):
        fetch.may_end.set()
    assert shown_buttons(page) == ["Start chatting"]
    with qtbot.waitSignal(page.start_requested):
        card(page)._start.click()
    qtbot.waitUntil(lambda: card(page)._job is None)


def test_a_cancelled_download_can_be_tried_again(qtbot: QtBot, page: HomePage) -> None:
    look(qtbot, page)
    card(page).download()
    card(page)._cancel.click()
    qtbot.waitUntil(lambda: card(page)._job is None)
    assert shown_buttons(page) == ["Download"]


def test_a_failed_download_says_why_and_can_be_tried_again(
    qtbot: QtBot, page: HomePage, fetch: FakeFetch
) -> None:
    fetch.error = KnownError("The package index is out of reach.", "Check the network.")
    fetch.may_end.set()
    look(qtbot, page)
    card(page).download()
    qtbot.waitUntil(lambda: card(page)._job is None)
    assert card(page)._problem.text() == "The package index is out of reach. Check the network."
    assert card(page)._problem.isVisible()
    assert shown_buttons(page) == ["Download"]


def test_speed_falls_to_nothing_when_it_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(starter_card.time, "monotonic", lambda: now[0])
    speed = Speed()
    assert speed.add("Downloading", 0) is None
    now[0] = 1.0
    assert speed.add("Downloading", 5_000_000) == 5_000_000
    for now[0] in (2.0, 3.0, 4.0, 5.0):
        rate = speed.add("Downloading", 5_000_000)
    assert rate == 0
