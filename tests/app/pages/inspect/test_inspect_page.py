"""The inspector: what it says of a pass is what the events say, and the keyboard suffices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.context import AppContext, History, SettingsHolder
from app.pages.inspect.page import InspectPage
from app.widgets.pass_text import PassText
from app.workers.engine import EngineController
from app.workers.jobs import Jobs
from core.estimate import estimate, rule_of, would_keep
from core.evaluate.traces import Trace
from core.events import GenerationEvent
from core.jsonl import dumps
from core.paths import Paths
from tests.fakes import (
    FakeOpener,
    ended,
    make_context,
    make_pass,
    scripted_events,
    scripted_passes,
    started,
)

TEXT = "one two three four five six seven eight nine ten eleven twelve"


@dataclass
class Stage:
    context: AppContext
    page: InspectPage

    def texts(self) -> str:
        labels = self.page.findChildren(QLabel)
        return "\n".join(one.text() for one in labels if one.isVisible())

    @property
    def count(self) -> int:
        return self.page._transport.count


@pytest.fixture
def stage(qtbot: QtBot, paths: Paths) -> Iterator[Stage]:
    jobs = Jobs()
    engine = EngineController(FakeOpener())
    settings = SettingsHolder(paths.settings_file)
    context = make_context(paths, settings, History(paths, jobs), engine, jobs)
    page = InspectPage(context)
    qtbot.addWidget(page)
    page.resize(1100, 720)
    page.show()
    qtbot.waitExposed(page)
    yield Stage(context, page)
    assert engine.close()
    assert jobs.close()


def show(stage: Stage, text: str = TEXT) -> list[GenerationEvent]:
    events = scripted_events(text)
    stage.page.show_traces([Trace("Count", tuple(events))])
    return events


def test_before_anything_is_opened_it_says_how(stage: Stage) -> None:
    assert "Nothing to inspect yet" in stage.texts()


def test_a_pass_is_told_as_its_event_tells_it(stage: Stage) -> None:
    show(stage)
    passes = scripted_passes(TEXT)
    assert f"Pass {len(passes)} of {len(passes)}" in stage.texts()
    stage.page._transport.go_to(2)
    done = passes[1]
    assert f"{len(done.token_ids)} of {len(done.proposed_ids)} slots kept" in stage.texts()
    assert "20 ms, from 0.02 s on" in stage.texts()
    assert f"Slot 1 of 8: “␣two”, confidence {done.confidences[0]:.3f}, kept" in stage.texts()
    stage.page._panel._bars.choose(4)
    dropped = f"Slot 4 of 8: “␣five”, confidence {done.confidences[3]:.3f}, not kept"
    assert dropped in stage.texts()
    assert "Instead of it: “␣other” 0.003, “␣else” 0.001" in stage.texts()
    assert dropped in stage.page._panel._bars.accessibleDescription()


def test_blocks_behind_the_pass_in_view_are_not_drawn_yet(stage: Stage) -> None:
    show(stage)
    stage.page._transport.go_to(2)
    assert stage.page._answer.block_sizes == (1, 3)
    assert stage.page._answer.text.startswith("one two")  # the text itself stays whole
    stage.page._transport.to_last()
    assert sum(stage.page._answer.block_sizes) == sum(
        len(one.token_ids) for one in scripted_passes(TEXT)
    )


def test_a_click_on_a_block_opens_its_pass(qtbot: QtBot, stage: Stage) -> None:
    show(stage)
    text = stage.page._answer.findChild(PassText)
    rect = text.rect_at(TEXT.index("three"))
    point = QPoint(int(rect.left()) + 4, int(rect.center().y()))
    qtbot.mouseClick(text.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert stage.count == 2
    # The keyboard goes on moving the passes, not a caret in the text.
    qtbot.keyClick(stage.page.focusWidget(), Qt.Key.Key_Right)
    assert stage.count == 3


def test_the_keyboard_alone_walks_chooses_and_tries(qtbot: QtBot, stage: Stage) -> None:
    show(stage)
    last = stage.count
    slider, bars = stage.page._transport._slider, stage.page._panel._bars
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert stage.count == last - 1
    qtbot.keyClick(stage.page, Qt.Key.Key_Home)
    assert stage.count == 1
    qtbot.keyClick(stage.page, Qt.Key.Key_Right)
    assert stage.count == 2
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    assert bars.slot == 2
    for _ in range(3):
        qtbot.keyClick(bars, Qt.Key.Key_Down)
    assert stage.page._panel._slider.threshold == pytest.approx(0.87)
    qtbot.keyClick(stage.page, Qt.Key.Key_Space)
    assert stage.page._transport.is_playing
    qtbot.keyClick(stage.page, Qt.Key.Key_Space)
    assert not stage.page._transport.is_playing
    cyrillic = QKeyEvent(QEvent.Type.KeyPress, 0x416, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(stage.page, cyrillic)  # no name in Qt.Key
    assert not cyrillic.isAccepted()


def test_another_threshold_is_an_estimate_by_the_recorded_confidences(stage: Stage) -> None:
    show(stage)
    passes = scripted_passes(TEXT)
    stage.page._transport.go_to(2)
    assert "Estimate:" not in stage.texts()
    stage.page._panel._slider.set_threshold(0.5)
    rule = rule_of(passes)
    would, about = would_keep(passes, 1, 0.5, rule), len(estimate(passes, 0.5, rule))
    assert would > len(passes[1].token_ids)
    assert f"would have kept {would} instead of {len(passes[1].token_ids)}" in stage.texts()
    assert f"about {about} passes instead of {len(passes)}" in stage.texts()
    assert f"Estimate: {would} of 8" in stage.texts()
    assert "would be kept" in stage.page._panel._bars.accessibleDescription()
    stage.page._transport.go_to(3)
    assert "Estimate: at 0.5" in stage.texts()  # the tried threshold stays
    stage.page._panel._back.click()
    assert "Estimate:" not in stage.texts()


def test_it_plays_to_the_end_and_from_the_start_again(qtbot: QtBot, stage: Stage) -> None:
    show(stage)
    transport = stage.page._transport
    transport._speed.setCurrentText("Tenfold speed")
    seen: list[int] = []
    transport.moved.connect(seen.append)
    transport.toggle()
    assert stage.count == 0  # the first pass takes its time, too
    assert stage.page._answer.block_sizes == ()
    qtbot.waitUntil(lambda: not transport.is_playing)
    assert stage.count == len(scripted_passes(TEXT))
    assert seen == sorted(seen)
    transport.toggle()
    stage.page.hide()
    assert not transport.is_playing


def test_a_file_is_opened_and_a_wrong_one_named(qtbot: QtBot, stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "two answers.jsonl"
    events = [*scripted_events(TEXT), *scripted_events("a b c")]
    path.write_text("\n".join(map(dumps, events)), encoding="utf-8")
    with qtbot.waitSignal(stage.page.status_message) as said:
        stage.page.read(path)
    assert said.args == ["2 answers opened."]
    assert stage.page._choice.count() == 2
    stage.page._choice.activated.emit(1)
    assert stage.page._answer.text == "a b c"
    with qtbot.waitSignal(stage.context.jobs.failed) as failed:
        stage.page.read(tmp_path / "missing.jsonl")
    assert "cannot be read" in str(failed.args[0])
    assert stage.page._answer.text == "a b c"


def test_a_narrow_page_has_the_pass_below_the_answer(qtbot: QtBot, stage: Stage) -> None:
    show(stage)

    def distance() -> QPoint:
        places = (one.mapTo(stage.page, QPoint()) for one in (stage.page._panel, answer))
        return next(places) - next(places)

    answer = stage.page._answer
    qtbot.waitUntil(lambda: distance().x() > 300)
    stage.page.resize(640, 720)
    qtbot.waitUntil(lambda: distance().y() > 100)


@pytest.mark.parametrize("text", ["", " ", "<think>why</think>yes"])
def test_answers_with_little_to_show_can_be_walked_through(stage: Stage, text: str) -> None:
    passes = [make_pass([text[:4], text[4:]], 0, 1, 0), make_pass([text[:4], text[4:]], 1, 1, 1)]
    stage.page.show_traces([Trace("odd", (started(), *passes, ended(passes)))])
    for move in (stage.page._transport.to_first, stage.page._transport.to_last):
        move()
    assert "Pass 2 of 2" in stage.texts()


def test_an_answer_without_a_pass_is_not_opened(stage: Stage) -> None:
    stage.page.show_traces([Trace("stopped", (started(), ended([], "cancelled")))])
    assert "Nothing to inspect yet" in stage.texts()


def test_where_no_threshold_decided_none_can_be_tried(stage: Stage) -> None:
    passes = scripted_passes(TEXT)
    events = (started(strategy="static_k"), *passes, ended(passes))
    stage.page.show_traces([Trace("static", events)])
    assert not stage.page._panel._slider.isVisible()
    assert "threshold" not in stage.texts()


def test_a_long_answer_is_scrolled_to_the_pass_in_view(qtbot: QtBot, stage: Stage) -> None:
    show(stage, "\n\n".join(f"line {number}" for number in range(200)))
    bar = stage.page._area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() > bar.maximum() - 100)
    stage.page._transport.to_first()
    qtbot.waitUntil(lambda: bar.value() < 100)
