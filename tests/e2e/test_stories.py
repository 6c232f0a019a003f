"""Stories through the main window, the model faked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.navigation import CHAT, HISTORY, HOME, INSPECT, SETTINGS
from app.pages.chat.turns import AnswerTurn
from app.widgets import model_bar
from app.workers.inventory import Inventory, ModelChoice
from core.device import Device
from core.errors import KnownError
from core.history.store import HistoryStore
from core.model.starter import NAME as STARTER
from core.model.store import ModelEntry
from core.paths import Paths
from core.settings import load_settings
from tests.fakes import ANSWER, FakeOpener, FakeSession

pytestmark = pytest.mark.e2e

Make = Callable[..., Application]

LONG = "one two three four five six seven eight nine ten " * 200


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine has the starter and a CPU."""
    entry = ModelEntry(STARTER, Path("/models") / STARTER, "stride", 10**8, "Apache-2.0", "")
    inventory = Inventory(
        models=(ModelChoice(entry, STARTER, 10**8),),
        devices=(Device("cpu", "A processor", "cpu", 10**10, 10**10),),
    )
    monkeypatch.setattr(model_bar, "take_inventory", lambda *_: inventory)
    return


def opened(qtbot: QtBot, stride: Application) -> Application:
    """Wait until the history is open and the models are known."""
    qtbot.waitUntil(lambda: stride.context.history.store is not None)
    qtbot.waitUntil(lambda: stride.window.model_bar._model() is not None)
    return stride


def load(qtbot: QtBot, stride: Application) -> None:
    with qtbot.waitSignal(stride.context.engine.loaded):
        stride.window.actions_by_key["load"].trigger()


def ask(qtbot: QtBot, stride: Application, text: str) -> AnswerTurn:
    with qtbot.waitSignal(stride.context.engine.finished):
        stride.window.chat.send(text)
    turn = stride.window.chat.conversation.turns[-1]
    assert isinstance(turn, AnswerTurn)
    return turn


def test_first_run_from_home_to_a_recorded_answer(qtbot: QtBot, make_stride: Make) -> None:
    stride = opened(qtbot, make_stride())
    window = stride.window
    with qtbot.waitSignal(stride.context.engine.loaded):
        window.home.start_requested.emit()
    assert window.pages.currentIndex() == CHAT
    assert window.status._model.text() == "toy"
    turn = ask(qtbot, stride, "Hello")
    assert turn.view.text == ANSWER
    assert len(turn.view.passes) > 1
    turn._inspect.click()
    assert window.pages.currentIndex() == INSPECT
    assert window.inspect._answer.events == turn.view.events
    run = stride.context.history.store.list_runs()[0]
    assert (run.kind, run.state, run.title) == ("answer", "completed", "Hello")
    window.home.run_requested.emit(run.id)
    assert window.pages.currentIndex() == HISTORY
    qtbot.waitUntil(lambda: window.history._detail.currentIndex() == 1)
    assert window.history.run_view._answer.text == ANSWER
    window.history.run_view._inspect.click()
    assert window.pages.currentIndex() == INSPECT
    assert window.inspect._choice.currentText() == "Hello"
    assert window.inspect._answer.text == ANSWER
    window.history.run_view._chat.click()
    assert window.pages.currentIndex() == CHAT
    assert isinstance(window.chat.conversation.turns[-1], AnswerTurn)


def test_ctrl_and_a_digit_and_the_rail_lead_to_the_pages(qtbot: QtBot, make_stride: Make) -> None:
    window = opened(qtbot, make_stride()).window
    pages = (
        *(window.home, window.chat, window.race, window.bench, window.inspect),
        *(window.training, window.history, window.settings),
    )
    for index, page in enumerate(pages):
        window.actions_by_key[f"page_{index}"].trigger()
        assert window.pages.currentWidget() is page
        assert window.rail._group.checkedId() == index
    window.rail._group.button(HOME).click()
    assert window.pages.currentWidget() is window.home
    window.actions_by_key["settings"].trigger()
    assert window.pages.currentIndex() == SETTINGS
    window.actions_by_key["search"].trigger()
    assert window.pages.currentIndex() == HISTORY


def test_shortcuts_are_unique(qtbot: QtBot, make_stride: Make) -> None:
    window = opened(qtbot, make_stride()).window
    keys = [one.shortcut().toString() for one in window.actions_by_key.values()]
    given = [key for key in keys if key]
    assert len(given) == len(set(given))
    for key in ("Ctrl+N", "Ctrl+L", "Ctrl+,", "Esc", "Ctrl+R", "F1", "Ctrl+1", "Ctrl+5"):
        assert key in given


def test_escape_stops_an_answer(qtbot: QtBot, make_stride: Make) -> None:
    opener = FakeOpener(FakeSession(LONG, seconds=0.01))
    stride = opened(qtbot, make_stride(opener))
    load(qtbot, stride)
    stride.window.show_page(CHAT)
    with qtbot.waitActive(stride.window):
        stride.window.activateWindow()
    with qtbot.waitSignal(stride.context.engine.finished):
        with qtbot.waitSignal(stride.context.engine.answer_event):
            stride.window.chat.send("Go on and on")
        stride.window.chat.composer.setFocus()
        qtbot.keyClick(stride.window.focusWidget(), Qt.Key.Key_Escape)
    run = stride.context.history.store.list_runs()[0]
    assert run.state == "stopped"


def test_closing_while_an_answer_flows_keeps_it(
    qtbot: QtBot, make_stride: Make, paths: Paths
) -> None:
    opener = FakeOpener(FakeSession(LONG, seconds=0.01))
    stride = opened(qtbot, make_stride(opener))
    load(qtbot, stride)
    events: list[object] = []
    stride.context.engine.answer_event.connect(events.append)
    stride.window.chat.send("Go on and on")
    qtbot.waitUntil(lambda: len(events) > 5)
    stride.window.close()
    assert stride.window.has_ended
    assert opener.session.is_closed
    with HistoryStore(paths.database) as store:
        (run,) = store.list_runs()
        assert run.state == "stopped"
        kept = store.get_run(run.id).answer
        assert LONG.startswith(kept)
        assert len(kept) > 10
        (chat,) = store.list_chats()
        turns = store.get_chat(chat.id).turns
    assert [turn.role for turn in turns] == ["user", "assistant"]
    assert turns[1].content == kept


@pytest.mark.parametrize("kind", ["newer", "locked"])
def test_a_history_that_cannot_be_used_is_said_and_the_app_goes_on(
    qtbot: QtBot, make_stride: Make, paths: Paths, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.history.opening.BUSY_SECONDS", 0.2)
    HistoryStore(paths.database).close()
    connection = sqlite3.connect(paths.database, isolation_level=None)
    if kind == "newer":
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
        connection.close()
    else:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
    before = paths.database.read_bytes()
    stride = make_stride()
    qtbot.waitUntil(lambda: stride.context.history.problem is not None, timeout=30_000)
    said = stride.window.banner.text
    assert {"newer": "newer", "locked": "locked"}[kind] in said
    assert "Traceback" not in said
    qtbot.waitUntil(lambda: stride.window.model_bar._model() is not None)
    load(qtbot, stride)
    assert ask(qtbot, stride, "Hello").view.text == ANSWER
    connection.close()
    assert paths.database.read_bytes() == before


def test_a_corrupt_history_is_kept_aside_and_a_new_one_begun(
    qtbot: QtBot, make_stride: Make, paths: Paths
) -> None:
    paths.data.mkdir(parents=True)
    garbage = b"this is no database at all " * 100
    paths.database.write_bytes(garbage)
    stride = make_stride()
    qtbot.waitUntil(lambda: bool(stride.window.banner.text), timeout=30_000)
    others = [one for one in paths.data.iterdir() if one != paths.database and one.is_file()]
    assert paths.database.read_bytes() == garbage or any(
        one.read_bytes() == garbage for one in others
    )


def test_a_missing_model_is_a_sentence_in_the_banner(qtbot: QtBot, make_stride: Make) -> None:
    error = KnownError('There is no model named "toy".', "Choose another one.")
    stride = opened(qtbot, make_stride(FakeOpener(error=error)))
    with qtbot.waitSignals([stride.context.engine.failed, stride.context.engine.unloaded]):
        stride.window.model_bar.load()
    assert stride.window.banner.text == str(error)
    assert stride.window.model_bar._panel._load_button.isEnabled()


def test_a_bug_is_shown_once_with_its_details(qtbot: QtBot, make_stride: Make) -> None:
    stride = opened(qtbot, make_stride(FakeOpener(error=ZeroDivisionError("a bug"))))
    with qtbot.waitSignal(stride.errors.bug):
        stride.window.model_bar.load()
    stride.errors.report(ZeroDivisionError("the same again"))
    (box,) = stride.window.findChildren(QMessageBox)
    assert "ZeroDivisionError: a bug" in box.detailedText()


def test_the_theme_switches_live_and_the_window_remembers_its_size(
    qtbot: QtBot, make_stride: Make, paths: Paths
) -> None:
    stride = opened(qtbot, make_stride())
    stride.window.resize(780, 600)
    stride.context.settings.update(theme="dark")
    assert stride.window.palette().window().color().lightness() < 60
    stride.context.settings.update(theme="light")
    assert stride.window.palette().window().color().lightness() > 200
    assert load_settings(paths.settings_file).theme == "light"
    stride.window.close()
    again = make_stride()
    assert (again.window.width(), again.window.height()) == (780, 600)


def test_every_control_has_a_name_for_screen_readers(qtbot: QtBot, make_stride: Make) -> None:
    window = opened(qtbot, make_stride()).window
    kinds = (QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QAbstractSpinBox, QSlider)
    nameless = [
        one
        for kind in kinds
        for one in window.findChildren(kind)
        if not (one.accessibleName() or _words_of(one)) and not _is_inner(one)
    ]
    assert not nameless, nameless


def _words_of(widget: QWidget) -> str:
    words = getattr(widget, "text", str)()
    buddies = [one for one in widget.window().findChildren(QLabel) if one.buddy() is widget]
    return words or "".join(one.text() for one in buddies)


def _is_inner(widget: QWidget) -> bool:
    """Whether a control is a part of another that has the name."""
    parent = widget.parentWidget()
    return isinstance(parent, QAbstractSpinBox | QComboBox | QLineEdit) or (
        widget.objectName().startswith("qt_") or type(widget).__name__ == "QTableCornerButton"
    )
