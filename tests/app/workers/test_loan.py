"""The chat model's memory is lent once, and comes back once nobody needs it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pytestqt.qtbot import QtBot

from app.workers.loan import MemoryLoan


@pytest.fixture
def engine() -> SimpleNamespace:
    return SimpleNamespace(info=object(), is_loading=False)


@pytest.fixture
def loan(qtbot: QtBot, engine: SimpleNamespace) -> tuple[MemoryLoan, list[str]]:
    made, told = MemoryLoan(cast("Any", engine)), []
    made.unload_requested.connect(lambda: (told.append("unload"), setattr(engine, "info", None)))
    made.reload_requested.connect(lambda: told.append("reload"))
    return made, told


def test_it_comes_back_once_the_last_borrower_is_done(loan: tuple[MemoryLoan, list[str]]) -> None:
    made, told = loan
    assert made.lend("training")
    assert not made.lend("race")
    made.take_back("training")
    assert told == ["unload"]
    made.take_back("race")
    assert told == ["unload", "reload"]
    made.take_back("race")
    assert told == ["unload", "reload"]


def test_what_the_user_loaded_meanwhile_stays(
    loan: tuple[MemoryLoan, list[str]], engine: SimpleNamespace
) -> None:
    made, told = loan
    made.lend("race")
    engine.info = object()
    made.take_back("race")
    assert told == ["unload"]


def test_nothing_is_loaded_while_the_window_closes(loan: tuple[MemoryLoan, list[str]]) -> None:
    made, told = loan
    made.lend("race")
    made.close()
    made.take_back("race")
    assert told == ["unload"]


def test_where_nothing_was_loaded_nothing_comes_back(
    loan: tuple[MemoryLoan, list[str]], engine: SimpleNamespace
) -> None:
    made, told = loan
    engine.info = None
    assert not made.lend("race")
    made.take_back("race")
    assert told == []
