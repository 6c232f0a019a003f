"""Stories on the chat page, with a fake session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.context import AppContext, History, SettingsHolder
from app.pages.chat.page import ChatPage
from app.pages.chat.turns import AnswerTurn, UserTurn
from app.widgets.threshold_slider import STOPS
from app.workers.engine import EngineController
from app.workers.jobs import Jobs
from core.engine.request import LoadSpec
from core.errors import KnownError
from core.paths import Paths
from tests.fakes import ANSWER, INFO, FakeOpener, FakeSession, make_context

LONG = "one two three four five six seven eight nine ten " * 30
ASKS = "app.pages.chat.chat_list.confirm_delete"


@dataclass
class Stage:
    page: ChatPage
    session: FakeSession
    engine: EngineController
    history: History
    context: AppContext


@pytest.fixture
def stage(qtbot: QtBot, paths: Paths) -> Iterator[Stage]:
    jobs = Jobs()
    history = History(paths, jobs)
    session = FakeSession()
    engine = EngineController(FakeOpener(session), lambda: history.store)
    context = make_context(paths, SettingsHolder(paths.settings_file), history, engine, jobs)
    page = ChatPage(context)
    qtbot.addWidget(page)
    page.resize(1100, 800)
    page.show()
    yield Stage(page, session, engine, history, context)
    assert engine.close()
    qtbot.waitUntil(lambda: jobs.is_idle)
    history.close()


def load(qtbot: QtBot, stage: Stage) -> None:
    with qtbot.waitSignal(stage.engine.loaded):
        stage.engine.load(LoadSpec("toy"))


def open_history(qtbot: QtBot, stage: Stage) -> None:
    with qtbot.waitSignal(stage.history.opened):
        stage.history.open()


def ask(qtbot: QtBot, stage: Stage, text: str = "Hello") -> AnswerTurn:
    with qtbot.waitSignal(stage.engine.finished):
        stage.page.send(text)
    turn = stage.page.conversation.turns[-1]
    assert isinstance(turn, AnswerTurn)
    return turn


def field(stage: Stage) -> QPlainTextEdit:
    return stage.page.composer.findChild(QPlainTextEdit)


def send_button(stage: Stage) -> QPushButton:
    return stage.page.composer.findChild(QPushButton)


def test_without_a_model_the_page_says_so_and_leads_on(qtbot: QtBot, stage: Stage) -> None:
    assert stage.page._stack.currentWidget() is stage.page._no_model
    assert not send_button(stage).isEnabled()
    with qtbot.waitSignal(stage.page.load_requested):
        stage.page._no_model.findChild(QPushButton).click()
    load(qtbot, stage)
    assert stage.page._stack.currentWidget() is stage.page._suggestions


def test_enter_sends_and_shift_enter_breaks_the_line(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    edit = field(stage)
    qtbot.keyClicks(edit, "one")
    qtbot.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(edit, "two")
    height = edit.height()
    with qtbot.waitSignal(stage.engine.finished):
        qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert stage.session.requests[0].messages[-1].content == "one\ntwo"
    assert edit.toPlainText() == ""
    assert edit.height() < height


def test_an_answer_comes_with_its_blocks_and_figures(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    turn = ask(qtbot, stage)
    assert turn.view.text == ANSWER
    assert sum(turn.view.block_sizes) == sum(len(one.token_ids) for one in turn.view.passes)
    assert "MTP on" in turn.figures_text
    assert "the model ended it" in turn.figures_text


def test_figures_change_twice_a_second_at_most_until_the_end(
    qtbot: QtBot, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("app.pages.chat.turns.time", SimpleNamespace(monotonic=lambda: now))
    stage.session.text, stage.session.seconds = LONG, 0.005
    load(qtbot, stage)
    stage.page.send("go")
    turn = stage.page.conversation.turns[-1]
    assert isinstance(turn, AnswerTurn)
    qtbot.waitUntil(lambda: "tokens per pass" in turn.figures_text)
    first = turn.figures_text
    known = len(turn.view.passes)
    with qtbot.waitSignals([turn.view.redrawn] * 2):
        qtbot.waitUntil(lambda: len(turn.view.passes) > known + 4)
    assert turn.figures_text == first
    now += 1.0
    qtbot.waitUntil(lambda: turn.figures_text != first)
    with qtbot.waitSignal(stage.engine.finished):
        stage.engine.cancel()
    assert "stopped by you" in turn.figures_text


def test_the_slider_acts_while_text_flows(qtbot: QtBot, stage: Stage) -> None:
    stage.session.text, stage.session.seconds = LONG, 0.005
    load(qtbot, stage)
    stage.page.header.slider.set_threshold(1.0)
    stage.page.send("go")
    turn = stage.page.conversation.turns[-1]
    assert isinstance(turn, AnswerTurn)
    qtbot.waitUntil(lambda: len(turn.view.passes) > 4)
    assert set(turn.view.block_sizes) == {1}
    stage.page.header.slider.set_threshold(0.8)
    qtbot.waitUntil(lambda: max(turn.view.block_sizes) > 1)
    with qtbot.waitSignal(stage.engine.finished):
        stage.engine.cancel()
    assert "threshold 0.8 to 1" in turn.figures_text
    assert "stopped by you" in turn.figures_text


def test_exact_acts_from_the_next_pass_and_is_kept(qtbot: QtBot, stage: Stage) -> None:
    stage.session.text, stage.session.seconds = LONG, 0.005
    load(qtbot, stage)
    stage.page.send("go")
    turn = stage.page.conversation.turns[-1]
    assert isinstance(turn, AnswerTurn)
    qtbot.waitUntil(lambda: len(turn.view.passes) > 2)
    qtbot.mouseClick(stage.page.header.slider._names, Qt.MouseButton.LeftButton, pos=QPoint(2, 4))
    qtbot.waitUntil(lambda: turn.view.passes[-1].is_exact)
    qtbot.waitUntil(lambda: "exact from here" in turn.figures_text)
    with qtbot.waitSignal(stage.engine.finished):
        stage.engine.cancel()
    assert not turn.view.passes[0].is_exact
    assert stage.page._context.settings.value.exact


def test_lookup_needs_no_threshold_and_is_asked_for(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    box = stage.page.header.proposals
    box.setCurrentIndex(box.findData("prompt lookup"))
    assert not stage.page.header.slider.isEnabled()
    turn = ask(qtbot, stage)
    assert stage.session.requests[-1].strategy == "prompt_lookup"
    assert turn.figures_text.startswith("Exact")


def test_the_stop_button_stops(qtbot: QtBot, stage: Stage) -> None:
    stage.session.text, stage.session.seconds = LONG, 0.005
    load(qtbot, stage)
    with qtbot.waitSignal(stage.engine.answer_event):
        stage.page.send("go")
    assert send_button(stage).text() == "Stop"
    with qtbot.waitSignal(stage.engine.finished):
        send_button(stage).click()
    assert send_button(stage).text() == "Send"
    assert len(stage.page.chats.get(stage.page._chat.id).turns[-1].content) < len(LONG)


def test_settings_of_the_header_reach_the_request(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    stage.page.header.set_system("")
    stage.page.header._system.setPlainText("Be brief.")
    stage.page.header._k_max.setValue(3)
    stage.page.header.max_new_tokens.setValue(77)
    ask(qtbot, stage)
    sent = stage.session.requests[0]
    assert (sent.messages[0].role, sent.messages[0].content) == ("system", "Be brief.")
    assert (sent.k_max, sent.max_new_tokens, sent.strategy) == (3, 77, "confadapt")


def test_regenerate_answers_the_same_turn_again(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    ask(qtbot, stage)
    with qtbot.waitSignal(stage.engine.finished):
        stage.page.regenerate()
    assert stage.session.requests[0].messages == stage.session.requests[1].messages
    assert len(stage.page.conversation.turns) == 2


def test_editing_a_turn_drops_what_came_after_it(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    ask(qtbot, stage, "first")
    ask(qtbot, stage, "second")
    first = stage.page.conversation.turns[0]
    assert isinstance(first, UserTurn)
    first._edit_button.click()
    first._field.setPlainText("other")
    with qtbot.waitSignal(stage.engine.finished):
        first._on_send()
    assert [turn.content for turn in stage.page._chat.turns] == ["other", ANSWER]
    assert len(stage.page.conversation.turns) == 2


def test_an_answer_goes_on_while_another_chat_is_in_view(qtbot: QtBot, stage: Stage) -> None:
    stage.session.text, stage.session.seconds = LONG, 0.002
    load(qtbot, stage)
    with qtbot.waitSignal(stage.engine.answer_event):
        stage.page.send("long one")
    chat_id = stage.page._chat.id
    stage.page.new_chat()
    assert stage.page.conversation.turns == ()
    stage.page.open_chat(chat_id)
    turn = stage.page.conversation.turns[-1]
    assert isinstance(turn, AnswerTurn)
    stage.page.new_chat()
    with qtbot.waitSignal(stage.engine.finished):
        pass
    assert stage.page.chats.get(chat_id).turns[-1].content == LONG
    stage.page.open_chat(chat_id)
    qtbot.waitUntil(lambda: stage.page.conversation.turns[-1].view.text == LONG)


def test_a_failure_is_noted_under_what_came_before_it(qtbot: QtBot, stage: Stage) -> None:
    stage.session.error = KnownError("The device ran out of memory.")
    load(qtbot, stage)
    turn = ask(qtbot, stage)
    assert "interrupted: The device ran out of memory." in turn.figures_text
    assert stage.page._chat.turns[-1].content == turn.view.text != ""


def test_copy_plain_and_with_blocks(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    turn = ask(qtbot, stage)
    turn._on_copy()
    assert QGuiApplication.clipboard().text() == ANSWER
    turn._on_copy_blocks()
    data = QGuiApplication.clipboard().mimeData()
    assert data.text() == ANSWER
    assert data.html().count("<span") >= len(turn.view.passes)
    # Offscreen, what Python made and the clipboard still holds at exit is a segmentation fault.
    QGuiApplication.clipboard().clear()


def test_another_threshold_is_an_estimate_and_says_so(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    turn = ask(qtbot, stage)
    recorded = turn.view.block_sizes
    assert turn._what_if.isHidden()
    turn._what_if.button.click()
    assert turn._what_if._slider.threshold == turn.view.passes[-1].threshold
    turn._what_if._slider.set_threshold(1.0)
    assert set(turn.view.block_sizes) == {1}
    assert turn._what_if._sentence.text().startswith("Estimate: at 1 about")
    turn._what_if.button.click()
    assert turn.view.block_sizes == recorded


def test_chats_come_back_from_the_history_with_their_blocks(qtbot: QtBot, stage: Stage) -> None:
    open_history(qtbot, stage)
    load(qtbot, stage)
    sizes = ask(qtbot, stage, "Remember me").view.block_sizes
    qtbot.waitUntil(lambda: len(stage.history.store.list_chats()) == 1)
    chat_id = stage.page._chat.id
    qtbot.waitUntil(lambda: len(stage.history.store.get_chat(chat_id).turns) == 2)
    other = ChatPage(stage.context)
    qtbot.addWidget(other)
    other.resize(1000, 700)
    other.show()
    qtbot.waitUntil(lambda: [one.title for one in other.chats.list()] == ["Remember me"])
    other.open_chat(chat_id)
    qtbot.waitUntil(lambda: other.conversation.turns[-1].view.block_sizes == sizes)


def answer_questions(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    monkeypatch.setattr(ASKS, lambda *_: answer)


def test_chats_can_be_searched_renamed_and_deleted(
    qtbot: QtBot, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(qtbot, stage)
    ask(qtbot, stage, "About cats")
    stage.page.new_chat()
    ask(qtbot, stage, "About dogs")
    chats = stage.page.chats
    cats = next(one for one in chats.list() if "cats" in one.title)
    chats.rename(cats.id, "Felines")
    assert [one.title for one in chats.list("feli")] == ["Felines"]
    chats.delete(cats.id)
    assert [one.title for one in chats.list()] == ["About dogs"]
    row = stage.page.list._list
    row.setCurrentRow(0)
    answer_questions(monkeypatch, True)
    stage.page.list._on_delete()
    assert chats.list() == []
    assert stage.page.conversation.turns == ()


def test_delete_asks_first(qtbot: QtBot, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    load(qtbot, stage)
    ask(qtbot, stage)
    answer_questions(monkeypatch, False)
    stage.page.list._on_delete()
    assert len(stage.page.chats.list()) == 1
    assert len(stage.page.conversation.turns) == 2


def test_an_answer_may_end_while_the_question_waits(
    qtbot: QtBot, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(qtbot, stage)

    def answer_late(*_: object) -> bool:
        with qtbot.waitSignal(stage.engine.finished):
            pass
        return True

    monkeypatch.setattr(ASKS, answer_late)
    stage.page.send("Hello")
    stage.page.list._on_delete()
    assert stage.page.chats.list() == []


@pytest.mark.parametrize("width", [508, 700, 860])
def test_the_controls_of_the_header_never_overlap(stage: Stage, width: int) -> None:
    header = stage.page.header
    stage.page.resize(width + stage.page.width() - header.width(), 800)
    parts: list[QWidget] = [
        header.slider._names,
        header.slider._figure,
        header.proposals,
        header._k_max,
        header.max_new_tokens,
        header._colours,
        header._legend,
    ]
    places = [QRect(one.mapTo(header, QPoint()), one.size()) for one in parts]
    assert not any(one.intersects(other) for one, other in combinations(places, 2))
    assert all(header.rect().contains(one) for one in places)
    assert len(header.slider._names.places()) >= (4 if width < 600 else 1 + len(STOPS))


def test_long_chats_lay_out_only_what_is_in_sight(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    ask(qtbot, stage)
    chat = stage.page._chat
    many = chat.turns[:1] + tuple(
        turn for _ in range(60) for turn in (chat.turns[0], chat.turns[1])
    )
    stage.page.conversation.show_turns(many)
    turns = [one for one in stage.page.conversation.turns if isinstance(one, AnswerTurn)]
    qtbot.waitUntil(lambda: turns[-1].is_filled)
    assert sum(turn.is_filled for turn in turns) < 40
    stage.page.conversation.verticalScrollBar().setValue(0)
    qtbot.waitUntil(lambda: turns[0].is_filled)


def test_everything_to_press_has_a_name(qtbot: QtBot, stage: Stage) -> None:
    load(qtbot, stage)
    ask(qtbot, stage)
    for one in stage.page.findChildren(QPushButton):
        assert one.accessibleName() or one.text()
    assert field(stage).accessibleName() == "Message"


def test_the_window_stays_quick_while_an_answer_streams(qtbot: QtBot, stage: Stage) -> None:
    """Processor time of the window's thread, so that a busy machine is no failure."""
    paragraph = "Some **bold** words, `code` and $x^2$ in a row.\n\n- one\n- two\n\n"
    stage.session.text, stage.session.seconds = paragraph * 12, 0.004
    load(qtbot, stage)
    ticks: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.thread_time()))
    timer.start(16)
    turn = ask(qtbot, stage)
    timer.stop()
    assert len(turn.view.passes) > 60
    assert max(after - before for before, after in pairwise(ticks)) < 0.1


def test_a_chat_deleted_while_it_is_answered_stays_deleted(
    qtbot: QtBot, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_questions(monkeypatch, True)
    stage.session.text, stage.session.seconds = LONG, 0.005
    load(qtbot, stage)
    with qtbot.waitSignal(stage.engine.finished):
        with qtbot.waitSignal(stage.engine.answer_event):
            stage.page.send("Hello")
        stage.page.list._on_delete()
    assert stage.page.chats.list() == []
    assert stage.page.conversation.turns == ()


def test_a_chat_is_exported_as_markdown(
    qtbot: QtBot, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(qtbot, stage)
    ask(qtbot, stage, "Say: two words?")
    asked: list[str] = []

    def choose(_parent: object, _title: str, name: str, _filter: str) -> tuple[str, str]:
        asked.append(name)
        return str(tmp_path / "talk"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    with qtbot.waitSignal(stage.page.status_message):
        stage.page.list._on_export()
    assert asked == ["Say two words.md"]
    assert ANSWER in (tmp_path / "talk.md").read_text(encoding="utf-8")


def test_heads_are_asked_for_as_many_tokens_as_they_can_give(qtbot: QtBot, stage: Stage) -> None:
    stage.session.info = replace(INFO, k_max=1, heads=2)
    load(qtbot, stage)
    assert not stage.page.header._k_max.isEnabled()
    ask(qtbot, stage)
    request = stage.session.requests[-1]
    assert (request.strategy, request.k_max) == ("heads", None)
