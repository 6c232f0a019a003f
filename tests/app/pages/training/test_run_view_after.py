"""What a run's page still says once the run has gone on or is over."""

from __future__ import annotations

import os
import re

import pytest
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.pages.training.run_view import RunView
from app.widgets.chart import Chart
from core.events import EvalDone, Notice, RunEnded, RunStarted, StepDone, WayCompared
from core.history.training import note_process
from core.model.adapter_info import read_adapter_info
from core.train import wishes
from tests.app.pages.training.test_training_page import Make, events, view
from tests.core.model.test_adapter_info import write_adapter

__all__ = ["view"]  # a fixture

CHECKED = "Side by side on 24 held-out prompts. One-token decoding gives the base model's tokens."
DONE = RunEnded("completed", 4, "/adapter", 100.0, 800)


def test_halved_batches_and_what_was_read_stay_to_be_read(view: RunView, tmp_path) -> None:
    read, halved = Notice("data", "600 rows of 1 file."), Notice("memory", "Memory ran out.")
    view.show_run(tmp_path, "pumps", [read, *events(), halved, StepDone(5, 1, 1e-3, 0.5, 9, 1.0)])
    view.set_at_work(True)
    assert view._phase.text() == "Training …"
    assert view._notes.text() == "600 rows of 1 file.\nMemory ran out."
    view.show_run(tmp_path, "pumps", [Notice("warning", "Passed over."), read, *events()])
    view.set_at_work(True)
    assert view._phase.text() == "Training …"
    assert view._notes.text() == "600 rows of 1 file.\nPassed over."


@pytest.mark.parametrize("said", [CHECKED, "Before and after were not compared: memory ran out."])
def test_what_the_comparison_said_stands_on_its_card(view: RunView, tmp_path, said: str) -> None:
    view.show_run(tmp_path, "pumps", [*events(), Notice("compare", said)])
    card = view._before_after
    assert not card.isVisibleTo(view)  # until it is over, the phase says it
    view.grow([DONE])
    view.set_at_work(False)
    assert card.isVisibleTo(view)
    assert card._said.text() == said
    assert not card._export.isVisibleTo(view)  # there is no table


def test_the_table_is_saved_as_the_kind_that_was_chosen(
    view: RunView, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = (1.0, 1.0, 1.0)
    way = WayCompared("next_token", 1.0, 24, one, one, one, one, (0.0, 0.0, 0.0))
    view.show_run(tmp_path, "pumps", [*events(), way, DONE])
    chosen = str(tmp_path / "table"), "CSV (*.csv)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: chosen)
    view._before_after._export.click()
    assert "next_token" in (tmp_path / "table.csv").read_text()


def test_a_resumed_run_is_no_longer_what_was_compared(view: RunView, tmp_path) -> None:
    said = Notice("compare", CHECKED)
    again = RunStarted("run", {}, 8, 4, {"pid": 0}, 0.0)
    stopped = RunEnded("stopped", 4, "/adapter", 100.0, 800)
    view.show_run(tmp_path, "pumps", [*events(), said, DONE, again, stopped])
    assert not view._before_after.isVisibleTo(view)


def test_a_run_broken_off_says_whether_it_can_go_on(view: RunView, tmp_path) -> None:
    view.show_run(tmp_path, "pumps", events())
    assert "it can begin anew" in view._phase.text()
    (tmp_path / "checkpoints" / "step-0000004").mkdir(parents=True)
    view.show_run(tmp_path, "pumps", events())
    assert view._phase.text() == "Broken off; it can go on from its last checkpoint."


def test_a_stopped_run_goes_on_from_its_page(qtbot: QtBot, view: RunView, tmp_path) -> None:
    (tmp_path / "checkpoints" / "step-0000004").mkdir(parents=True)
    stopped = RunEnded("stopped", 4, "/adapter", 100.0, 800)
    view.show_run(tmp_path, "pumps", [*events(), stopped])
    assert "compared once it has come to its end" in view._phase.text()
    assert view._restart.text() == "Resume"
    with qtbot.waitSignal(view.restarted):
        view._restart.click()
    view.set_at_work(True)
    assert not view._restart.isVisibleTo(view)
    view.show_run(tmp_path, "pumps", [*events(), DONE])
    view.set_at_work(False)
    assert not view._restart.isVisibleTo(view)


def test_more_slots_than_usual_have_curves_and_leave_with_their_run(
    view: RunView, tmp_path
) -> None:
    wide = EvalDone(2, tuple(n / 20 for n in range(15)), 1.5, 0.9, 1.0)
    view.show_run(tmp_path, "wide", [*events(), wide])
    _, agreement, _ = view.findChildren(Chart)
    assert agreement.values("slot 16") == [14 / 20]
    view.show_run(tmp_path, "usual", events())
    assert re.findall("slot [0-9]+", agreement._key.text()) == [f"slot {n}" for n in range(2, 9)]


def test_a_table_with_all_its_intervals_fits_a_small_window(
    qtbot: QtBot, view: RunView, tmp_path
) -> None:
    wide = (0.012, 0.0, 0.09)
    way = WayCompared("confadapt", 0.9, 24, (9.12, 8.12, 9.99), *((0.9, 0.8, 0.95),) * 3, wide)
    view.resize(802, 520)  # what a window of 900 leaves
    view.show_run(tmp_path, "pumps", [*events(), way, DONE])
    qtbot.waitUntil(lambda: view._before_after.width() > 0)
    assert view.widget().minimumSizeHint().width() <= view.viewport().width()
    texts = [one.text() for one in view._before_after.findChildren(QLabel)]
    assert {"9.12", "(8.12 to 9.99)", "1.2%", "(0.0% to 9.0%)"} <= set(texts)
    row = next(one for one in view.findChildren(QLabel) if one.text() == "Threshold 0.9")
    assert row.accessibleName().startswith("Threshold 0.9: Tokens per pass 9.12 (8.12 to 9.99), ")


def test_another_run_is_shown_from_its_top(qtbot: QtBot, view: RunView, tmp_path) -> None:
    view.resize(802, 300)
    view.show_run(tmp_path, "pumps", events())
    bar = view.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(bar.maximum())
    view.show_run(tmp_path, "valves", events())
    assert bar.value() == 0


def test_there_are_no_curves_before_there_is_a_point(view: RunView, tmp_path) -> None:
    view.show_run(tmp_path, "pumps", [Notice("load", "Loading.")])
    assert view._charts.isHidden()
    view.show_run(tmp_path, "pumps", events())
    assert not view._charts.isHidden()


def test_the_bar_shows_what_is_written_and_does_not_move_in_a_pause(
    view: RunView, tmp_path
) -> None:
    view.show_run(tmp_path, "pumps", [Notice("load", "Loading.")])
    view.set_at_work(True)
    assert view._bar.maximum() == 0  # it moves
    view.show_run(tmp_path, "pumps", [Notice("synthesis", "96 of 192 written by the model.")])
    assert (view._bar.value(), view._bar.maximum()) == (96, 192)
    wishes.pause(tmp_path)
    view.show_run(tmp_path, "pumps", [Notice("pause", "Paused.")])
    assert view._bar.maximum() > 0


def test_the_memory_of_a_process_that_still_loads_is_shown(view: RunView, tmp_path) -> None:
    note_process(tmp_path, os.getpid())
    view.show_run(tmp_path, "pumps", [Notice("load", "Loading.")])
    view.set_at_work(True)
    assert view._tiles.text("Memory").endswith("B")


@pytest.mark.parametrize("gpu", [None, (90, 60)])
def test_only_a_machine_with_a_gpu_shows_its_load(
    view: RunView, tmp_path, monkeypatch, gpu
) -> None:
    monkeypatch.setattr("app.pages.training.figures.busiest_gpu", lambda: gpu)
    view.show_run(tmp_path, "pumps", events())
    view.set_at_work(True)
    assert view._tiles._tiles["GPU"].isVisibleTo(view) == (gpu is not None)


def test_one_step_is_one(view: RunView, tmp_path) -> None:
    done = RunEnded("completed", 1, "/adapter", 100.0, 800)
    view.show_run(tmp_path, "pumps", [*events(1)[:3], done])
    assert view._phase.text() == "Completed after 1 step, 2 min."


def test_the_adapter_is_copied_to_where_the_user_says(
    qtbot: QtBot, make_stride: Make, tmp_path, monkeypatch
) -> None:
    adapter, into = write_adapter(tmp_path / "pumps"), tmp_path / "elsewhere"
    into.mkdir()
    stride: Application = make_stride()
    page = stride.window.training
    page.run_view.show_run(
        tmp_path, "pumps", [*events(), RunEnded("completed", 4, str(adapter), 1.0, 1)]
    )
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(into))
    with qtbot.waitSignal(page.status_message) as told:
        page.run_view._export.click()
    copy = into / "pumps"
    assert told.args == [f"Copied to {copy}"]
    assert read_adapter_info(copy) == read_adapter_info(adapter)
    with qtbot.waitSignal(stride.context.jobs.failed) as refused:
        page.run_view._export.click()
    assert "is there already" in str(refused.args[0])
    assert [one.name for one in into.iterdir()] == ["pumps"]
