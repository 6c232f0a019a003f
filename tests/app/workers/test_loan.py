"""The chat model's memory is lent once, and comes back once nobody needs it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from app.workers.loan import MemoryLoan


class Engine(QObject):
    """Unloads when it is told to."""

    unloaded = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.info: object | None = object()
        self.is_loading = False

    def unload(self) -> None:
        self.info, self.is_loading = None, False
        self.unloaded.emit()


@pytest.fixture
def engine(qtbot: QtBot) -> Engine:
    return Engine()


@pytest.fixture
def loan(engine: Engine) -> tuple[MemoryLoan, list[str]]:
    made, told = MemoryLoan(cast("Any", engine)), []
    made.unload_requested.connect(lambda: told.append("unload"))
    made.reload_requested.connect(lambda: told.append("reload"))
    return made, told


def test_it_comes_back_once_the_last_borrower_is_done(
    loan: tuple[MemoryLoan, list[str]], engine: Engine
) -> None:
    made, told = loan
    assert made.lend("training")
    engine.unload()
    assert not made.lend("race")
    made.take_back("training")
    assert told == ["unload"]
    made.take_back("race")
    assert told == ["unload", "reload"]
    made.take_back("race")
    assert told == ["unload", "reload"]


def test_what_the_user_loaded_meanwhile_stays(
    loan: tuple[MemoryLoan, list[str]], engine: Engine
) -> None:
    made, told = loan
    made.lend("race")
    engine.unload()
    engine.info = object()
    made.take_back("race")
    assert told == ["unload"]


def test_nothing_is_loaded_while_the_window_closes(
    loan: tuple[MemoryLoan, list[str]], engine: Engine
) -> None:
    made, told = loan
    made.lend("race")
    made.close()
    engine.unload()
    made.take_back("race")
    assert told == ["unload"]


def test_where_nothing_was_loaded_nothing_comes_back(
    loan: tuple[MemoryLoan, list[str]], engine: Engine
) -> None:
    made, told = loan
    engine.info = None
    assert not made.lend("race")
    made.take_back("race")
    assert told == []


def test_who_is_done_before_it_was_free_gets_it_back_loaded_all_the_same(
    loan: tuple[MemoryLoan, list[str]], engine: Engine
) -> None:
    made, told = loan
    made.lend("race")
    made.take_back("race")
    assert told == ["unload"]
    engine.unload()
    assert told == ["unload", "reload"]


def test_a_model_that_is_being_loaded_makes_room_too(
    loan: tuple[MemoryLoan, list[str]], engine: Engine
) -> None:
    made, told = loan
    engine.info, engine.is_loading = None, True
    assert made.lend("training")
    assert told == ["unload"]
