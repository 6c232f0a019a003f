"""The training page over recorded events and a fake controller."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.navigation import TRAINING
from app.pages.home.at_work import AtWorkCard
from app.pages.training.run_list import RunList
from app.pages.training.run_view import RunView
from app.widgets.chart import Chart
from app.widgets.units import moment_text
from app.workers.run_lines import RunLine, read_lines
from core.control import Cancel
from core.evaluate.bench.intervals import NONE
from core.events import (
    CheckpointSaved,
    EvalDone,
    Notice,
    RunEnded,
    RunStarted,
    SampleDone,
    StepDone,
    ThresholdAdvised,
    TrainingEvent,
    WayCompared,
)
from core.history.training import note_process
from core.train import queue
from core.train.process import new_run
from core.train.reporter import Reporter
from core.train.spec import TrainSpec
from tests.core.history.runs import a_run, dead_pid
from tests.core.train.runs import make_run as planned_run
from tests.fakes import scripted_passes

Make = Callable[..., Application]
EVALS = [EvalDone(step, (0.9, 0.8, step / 10), 1.0 + step / 4, 0.9, 1.0) for step in (2, 4)]


def events(steps: int = 4) -> list[TrainingEvent]:
    told: list[TrainingEvent] = [
        Notice("load", "Loading."),
        RunStarted("run", {}, 8, 0, {"pid": 0}, 0.0),
    ]
    for step in range(1, steps + 1):
        told.append(StepDone(step, 2.0 / step, 1e-3, 0.5, 100, 2.0))
        told += [one for one in EVALS if one.step == step]
    told.append(SampleDone(2, "Count to ten", tuple(scripted_passes("one two three four"))))
    told.append(CheckpointSaved(4, "/x"))
    return told


@pytest.fixture
def view(qtbot: QtBot) -> RunView:
    made = RunView()
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_run_at_work_shows_where_it_stands(view: RunView, tmp_path) -> None:
    view.show_run(tmp_path, "pumps", events())
    view.set_at_work(True)
    assert view._phase.text() == "Training …"
    assert view._left_over.text() == "step 4 of 8  ·  50%  ·  about 8 s left"
    assert view._tiles.text("Step") == "4 / 8"
    assert view._tiles.text("Supervised slots a second") == "50"
    assert view._tiles.text("Tokens per pass") == "2.00"
    assert view._tiles.text("Last checkpoint") == "step 4"
    loss, agreement, tokens = view.findChildren(Chart)
    assert loss.values("loss") == [2.0, 1.0, 2 / 3, 0.5]
    assert agreement.values("slot 4") == [0.2, 0.4]
    assert tokens.values("tokens per pass") == [1.5, 2.0]
    assert view._samples._steps.currentText() == "after step 2"
    assert view._pause.isVisibleTo(view)
    assert not view._chat.isVisibleTo(view)


def test_a_finished_run_offers_the_chat(qtbot: QtBot, view: RunView, tmp_path) -> None:
    done = RunEnded("completed", 8, str(tmp_path / "adapter"), 100.0, 800, 2 * 10**9)
    view.show_run(tmp_path, "pumps", [*events(8), done])
    assert view._phase.text() == "Completed after 8 steps, 2 min."
    assert view._tiles.text("Memory") == "2.0 GB"
    assert not view._stop.isVisibleTo(view)
    with qtbot.waitSignal(view.chat_requested) as wished:
        view._chat.click()
    assert wished.args == [str(tmp_path / "adapter"), None]


def test_buttons_ask_once_and_say_so(qtbot: QtBot, view: RunView, tmp_path) -> None:
    view.show_run(tmp_path, "pumps", events())
    view.set_at_work(True)
    with qtbot.waitSignal(view.paused):
        view._pause.click()
    with qtbot.waitSignal(view.stop_requested) as wished:
        view._best.click()
    assert wished.args == [True]
    assert "keeping the best" in view._phase.text()
    assert not view._stop.isVisibleTo(view)
    with qtbot.waitSignal(view.force_requested):
        view._force.click()


def test_new_events_are_drawn_soon(qtbot: QtBot, view: RunView, tmp_path) -> None:
    view.show_run(tmp_path, "pumps", events())
    view.set_at_work(True)
    view.grow([StepDone(5, 0.1, 1e-3, 0.9, 100, 2.0)])
    qtbot.waitUntil(lambda: view._tiles.text("Step") == "5 / 8")


def test_before_and_after_is_shown_and_copied(view: RunView, tmp_path) -> None:
    one = (1.0, 1.0, 1.0)
    ways = [
        WayCompared("next_token", 1.0, 20, one, one, one, one, NONE),
        WayCompared(
            "confadapt", 0.9, 20, (2.5, 2.1, 2.9), (1.6, 1.4, 1.8), one, one, (0.01, 0.0, 0.02)
        ),
    ]
    advice = ThresholdAdvised(0.9, "1.60 times one-token decoding.")
    done = RunEnded("completed", 8, "/adapter", 100.0, 800)
    view.show_run(tmp_path, "pumps", [*events(8), *ways, advice, done])
    card = view._before_after
    assert card.isVisibleTo(view)
    assert card._advice.text() == "Use threshold 0.9"
    card._on_copy()
    copied = QGuiApplication.clipboard().text()
    assert "| Threshold 0.9 | 2.50 (2.10 to 2.90) | 1.60 (1.40 to 1.80) | 1.000 |" in copied


def test_the_chat_with_it_is_held_against_the_advised_threshold(
    qtbot: QtBot, make_stride: Make, paths
) -> None:
    folder = make_run(paths, *events(8), ThresholdAdvised(0.95, "So."), ended())
    window = make_stride().window
    window.training.open_run(folder)
    qtbot.waitUntil(lambda: window.training._run is not None)
    button(window.training.run_view, "Chat with it").click()
    assert window.chat.header.slider.threshold == 0.95
    assert window._context.settings.value.threshold == 0.95
    window._navigation.chat_with("toy", "pumps", None)
    assert window.chat.header.slider.threshold == 0.95


def test_a_failed_run_says_why(view: RunView, tmp_path) -> None:
    failed = [Notice("error", "The disk is full."), RunEnded("failed", 4, None, 5.0, 1)]
    view.show_run(tmp_path, "pumps", [*events(), *failed])
    assert "The disk is full." in view._phase.text()


def ended() -> RunEnded:
    return RunEnded("completed", 8, "/adapter", 9.0, 400)


def make_run(paths, *told: TrainingEvent) -> Path:
    spec = TrainSpec("toy", str(paths.adapters / "pumps"), ("a.txt",), steps=8)
    folder = new_run(spec, paths)
    for event in told:
        Reporter(folder)(event)
    return folder


def button(parent: QWidget, text: str) -> QAbstractButton:
    return next(one for one in parent.findChildren(QAbstractButton) if one.text() == text)


def test_runs_of_earlier_starts_are_listed_and_opened(
    qtbot: QtBot, make_stride: Make, paths
) -> None:
    last = RunEnded("stopped", 4, str(paths.adapters / "pumps"), 9.0, 400)
    folder = make_run(paths, *events(), last)
    (folder / "checkpoints" / "step-0000004").mkdir(parents=True)
    window = make_stride().window
    page = window.training
    qtbot.waitUntil(lambda: page._list._stack.currentIndex() == 1)
    button(page._list, "Open").click()
    qtbot.waitUntil(lambda: page._pages.currentWidget() is page.run_view)
    assert page.run_view._title.text() == "pumps"
    assert page.run_view._phase.text().startswith("Stopped after 4 steps")
    assert button(page._list, "Resume").isEnabled()
    button(page.run_view, "All trainings").click()
    assert page._pages.currentWidget() is page._list


def test_a_run_in_line_is_taken_out_on_its_page(
    qtbot: QtBot, make_stride: Make, paths, monkeypatch
) -> None:
    folder = make_run(paths)
    queue.put_in_line(folder)
    monkeypatch.setattr("app.workers.training.queue.waiting", lambda _: [])  # its turn never comes
    page = make_stride().window.training
    page.open_run(folder)
    qtbot.waitUntil(lambda: page._pages.currentWidget() is page.run_view)
    drop = button(page.run_view, "Take out of line")
    assert drop.isVisibleTo(page.run_view)
    drop.click()
    assert not folder.exists()
    assert page._pages.currentWidget() is page._list


def test_a_run_in_line_can_be_taken_out(
    qtbot: QtBot, make_stride: Make, paths, monkeypatch
) -> None:
    folder = make_run(paths)
    queue.put_in_line(folder)
    monkeypatch.setattr("app.workers.training.queue.at_work", lambda _: [folder])
    monkeypatch.setattr("app.workers.training.is_at_work", lambda _: True)
    page = make_stride().window.training
    qtbot.waitUntil(lambda: page._list._stack.currentIndex() == 1)
    button(page._list, "Take out of line").click()
    qtbot.waitUntil(lambda: queue.waiting(paths) == [])


def test_a_training_at_work_says_everywhere_how_far_it_is(
    qtbot: QtBot, make_stride: Make, paths
) -> None:
    folder = make_run(paths, *events())
    note_process(folder, os.getpid())
    window = make_stride().window
    standing = "Training  ·  step 4 of 8  ·  50%  ·  about 8 s left"
    home, runs, entry = window.home, window.training._list, window.rail._group.button(TRAINING)
    card = home.findChild(AtWorkCard)
    qtbot.waitUntil(card.isVisible)
    qtbot.waitUntil(lambda: folder in runs._shown)
    assert card._name.text() == "Training at work: pumps"
    assert card._standing.text() == runs._shown[folder]._standing.text() == standing
    assert (card._bar.value(), card._bar.maximum()) == (4, 8)
    assert (entry.text(), entry.accessibleName()) == ("Training •", "Training, one is at work")
    button(home, "Open the training").click()
    qtbot.waitUntil(lambda: window.training._pages.currentWidget() is window.training._run)
    assert window.training.run_view._title.text() == "pumps"
    Reporter(folder)(StepDone(5, 1.0, 1e-3, 0.5, 100, 2.0))
    qtbot.waitUntil(lambda: "step 5 of 8" in card._standing.text())
    assert "step 5 of 8" in runs._shown[folder]._standing.text()
    note_process(folder, dead_pid())
    qtbot.waitUntil(card.isHidden)
    assert entry.text() == "Training"
    qtbot.waitUntil(lambda: runs._shown[folder]._state == "interrupted")
    assert runs._shown[folder]._standing.isHidden()


def test_runs_stand_in_the_order_they_were_planned_in_with_that_time(paths) -> None:
    begun = RunStarted("run", {}, 8, 0, {"pid": 0}, time.time())  # long after it was planned
    planned_run(paths, "20200102-100500-7", begun)
    planned_run(paths, "20200102-101500-3", ended())
    lines = read_lines(paths, Cancel())
    assert [one.folder.name[-1] for one in lines] == ["3", "7"]
    assert [moment_text(one.made_at, 0)[-5:] for one in lines] == ["10:15", "10:05"]


def test_home_leads_to_the_wizard(make_stride: Make) -> None:
    window = make_stride().window
    button(window.home, "New training").click()
    assert window.pages.currentWidget() is window.training
    assert window.training._pages.currentWidget() is window.training._wizard


def test_the_list_has_what_the_command_line_began_meanwhile(
    qtbot: QtBot, make_stride: Make, paths
) -> None:
    window = make_stride().window
    runs = window.training._list
    qtbot.waitUntil(lambda: window._context.jobs.is_idle)
    folder = make_run(paths, *events(), ended())
    window.show_page(TRAINING)
    qtbot.waitUntil(lambda: folder in runs._shown)


def test_a_long_name_leaves_the_buttons_of_its_card_in_sight(qtbot: QtBot) -> None:
    runs = RunList()
    qtbot.addWidget(runs)
    runs.resize(802, 520)  # what a window of 900 leaves
    runs.show()
    record, name = a_run(kind="training"), "x" * 300
    runs.show_runs([RunLine(Path(name), name, "completed", 0.0, record, 0, True, None)])
    card = runs._cards
    qtbot.waitUntil(lambda: card.widget().width() > 0)
    assert card.widget().minimumSizeHint().width() <= card.viewport().width()


def test_an_empty_list_leads_to_the_wizard(qtbot: QtBot, make_stride: Make) -> None:
    page = make_stride().window.training
    assert page._list._stack.currentIndex() == 0
    page._list._empty.action_requested.emit()
    assert page._pages.currentWidget() is page._wizard
    page._wizard._back.click()
    assert page._pages.currentWidget() is page._list
