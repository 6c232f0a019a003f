"""The clean-up page over real folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.navigation import TRAINING
from app.pages.training.cleanup import CleanUpPage
from app.widgets.units import size_text
from core.history.training import note_process
from core.paths import Paths
from core.train import queue
from core.train.cleanup import has_checkpoint
from tests.core.train.runs import ended, make_run

OpenPage = Callable[[], CleanUpPage]


@pytest.fixture
def open_page(qtbot: QtBot, make_stride: Callable[..., Application]) -> OpenPage:
    """Opens the page as the user does, and waits for what it finds."""

    def opened() -> CleanUpPage:
        window = make_stride().window
        window.show_page(TRAINING)
        training = window.training
        buttons = training._list.findChildren(QAbstractButton)
        next(one for one in buttons if one.text() == "Clean up…").click()
        page = training._cleanup
        assert training._pages.currentWidget() is page
        qtbot.waitUntil(lambda: "free" in page._summary.text())
        return page

    return opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Says yes; keeps the questions."""
    questions: list[str] = []

    def agree(_parent: object, question: str) -> bool:
        questions.append(question)
        return True

    monkeypatch.setattr("app.pages.training.cleanup.confirm_delete", agree)
    return questions


def rows(page: CleanUpPage) -> list[list[str]]:
    table = page._table
    items = [table.topLevelItem(row) for row in range(table.topLevelItemCount())]
    return [[item.text(column) for column in (0, 1, 3, 4)] for item in items]


def texts(parent: QWidget) -> list[str]:
    return [one.text() for one in parent.findChildren(QAbstractButton)]


def tick(page: CleanUpPage, name: str) -> None:
    [item] = page._table.findItems(name, Qt.MatchFlag.MatchExactly)
    item.setCheckState(0, Qt.CheckState.Checked)


def test_what_there_is_and_what_would_be_freed(open_page: OpenPage, paths: Paths) -> None:
    make_run(paths, "1", ended())
    make_run(paths, "2", ended("stopped"))
    paths.answers.mkdir(parents=True)
    (paths.answers / "0123.jsonl").write_bytes(bytes(90))
    page = open_page()
    assert rows(page) == [
        ["2", "Stopped", "3.5 kB", "70 bytes"],
        ["1", "Completed", "3.5 kB", "70 bytes"],
        ["Answers written by models", "Shared by all", "–", "90 bytes"],
    ]
    assert not page._remove.isEnabled()
    page._completed.click()
    assert page._frees.text() == "Frees 3.6 kB"
    tick(page, "Answers written by models")
    assert page._frees.text() == "Frees 3.7 kB"
    page._everything.click()
    assert [one.name for one in page._table.chosen] == ["1", "Answers written by models"]
    everything = sum(one.use.total for one in page._table.chosen)
    assert page._frees.text() == f"Frees {size_text(everything)}"
    assert page._remove.isEnabled()


def test_checkpoints_go_and_the_run_would_begin_anew(
    qtbot: QtBot, open_page: OpenPage, paths: Paths, asked: list[str]
) -> None:
    folder = make_run(paths, "pumps", ended("stopped"))
    page = open_page()
    tick(page, "pumps")
    page._remove.click()
    qtbot.waitUntil(lambda: rows(page) == [["pumps", "Stopped", "–", "–"]])
    assert not has_checkpoint(folder)
    assert "Unfinished: pumps; afterwards it can only start from the beginning" in asked[0]
    page._back.click()
    runs = page.window().training._list
    qtbot.waitUntil(lambda: "Begin anew" in texts(runs))


def test_everything_goes_and_then_there_is_nothing(
    qtbot: QtBot, open_page: OpenPage, paths: Paths, asked: list[str]
) -> None:
    folder = make_run(paths, "pumps", ended())
    page = open_page()
    page._everything.click()
    page._completed.click()
    page._remove.click()
    qtbot.waitUntil(lambda: page._stack.currentWidget() is page._empty)
    assert not folder.exists()
    assert "Charts, sample answers, comparisons and rows go, too." in asked[0]


def test_who_says_no_loses_nothing(
    open_page: OpenPage, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(paths, "pumps", ended())
    monkeypatch.setattr("app.pages.training.cleanup.confirm_delete", lambda *_: False)
    page = open_page()
    tick(page, "pumps")
    page._remove.click()
    assert page._foot.isEnabled()
    assert has_checkpoint(folder)


def test_what_is_at_work_or_in_line_cannot_be_chosen(open_page: OpenPage, paths: Paths) -> None:
    note_process(make_run(paths, "1"), os.getpid())
    queue.put_in_line(make_run(paths, "2"))
    page = open_page()
    first, second = (page._table.topLevelItem(row) for row in (0, 1))
    assert (first.isDisabled(), first.text(1)) == (True, "In line")
    assert (second.isDisabled(), second.text(1)) == (True, "At work")
    assert second.toolTip(1) == "It is at work: stop it first."


def test_the_keyboard_ticks_a_row(qtbot: QtBot, open_page: OpenPage, paths: Paths) -> None:
    make_run(paths, "pumps", ended())
    page = open_page()
    table = page._table
    row = table.visualItemRect(table.topLevelItem(0)).center().y()
    place = QPoint(table.columnViewportPosition(3) + 10, row)  # beside the box
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert [one.name for one in page._table.chosen] == ["pumps"]
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert page._table.chosen == []


def test_a_disk_that_refuses_is_told(
    qtbot: QtBot,
    open_page: OpenPage,
    paths: Paths,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    make_run(paths, "pumps", ended())
    page = open_page()
    monkeypatch.setattr(shutil, "rmtree", refuse)
    tick(page, "pumps")
    with qtbot.waitSignal(page._jobs.failed) as told:
        page._remove.click()
    assert "could not be removed whole: Permission denied." in str(told.args[0])
    qtbot.waitUntil(page._foot.isEnabled)


def test_an_empty_disk_says_so(open_page: OpenPage) -> None:
    page = open_page()
    assert page._stack.currentWidget() is page._empty
