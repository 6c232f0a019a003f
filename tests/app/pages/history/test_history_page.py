from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.context import AppContext, History, SettingsHolder
from app.pages.history.page import FILE_FILTERS, HistoryPage
from app.pages.history.table import PAGE_SIZE, RunTable
from app.widgets.answer_view import AnswerView
from app.widgets.pass_layer import COLOUR_MODES
from app.workers.engine import EngineController
from app.workers.jobs import Jobs
from core.history.records import RunDetail, RunFilter
from core.history.store import HistoryStore
from core.paths import Paths
from tests.fakes import ANSWER, FakeOpener, make_context, scripted_events


def run(number: int, **changes: object) -> RunDetail:
    fields: dict[str, object] = {
        "id": f"run{number}",
        "kind": "answer",
        "state": "completed",
        "created_at": 1_700_000_000.0 + number,
        "source": "app",
        "model": "toy",
        "adapter": None,
        "title": f"Question {number}",
        "chat_id": f"chat{number}",
        "summary": {"tokens_per_pass": 2.5, "tokens": 10, "passes": 4},
        "prompt": f"Question {number}",
        "answer": ANSWER,
        "settings": {},
        "machine": {"cpu": "a processor"},
        "run_dir": None,
    }
    return RunDetail(**{**fields, **changes})  # type: ignore[arg-type]


@dataclass
class Stage:
    context: AppContext
    page: HistoryPage
    table: RunTable

    @property
    def store(self) -> HistoryStore:
        assert self.context.history.store is not None
        return self.context.history.store

    def texts(self) -> str:
        return "\n".join(label.text() for label in self.page.findChildren(QLabel))


@pytest.fixture
def stage(qtbot: QtBot, paths: Paths) -> Iterator[Stage]:
    jobs = Jobs()
    history = History(paths, jobs)
    engine = EngineController(FakeOpener())
    context = make_context(paths, SettingsHolder(paths.settings_file), history, engine, jobs)
    page = HistoryPage(context)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    stage = Stage(context, page, page.findChild(RunTable))
    with qtbot.waitSignal(stage.table.filled):
        history.open()
    yield stage
    assert engine.close()
    assert jobs.close()
    history.close()


def fill(qtbot: QtBot, stage: Stage, *runs: RunDetail) -> None:
    for one in runs:
        stage.store.save_run(one, scripted_events() if one.kind == "answer" else ())
    with qtbot.waitSignal(stage.table.filled):
        stage.context.history.changed.emit()


def titles(table: RunTable) -> list[str]:
    return [table.index(row, 0).data() for row in range(table.rowCount())]


def test_an_empty_history_says_what_will_be_here(stage: Stage) -> None:
    assert "Nothing here yet" in stage.texts()
    assert "0 runs" in stage.texts()


def test_long_lists_come_page_by_page(
    qtbot: QtBot, stage: Stage, qtmodeltester: ModelTester
) -> None:
    fill(qtbot, stage, *(run(number) for number in range(PAGE_SIZE + 20)))
    table = stage.table
    assert table.rowCount() == PAGE_SIZE
    assert table.total == PAGE_SIZE + 20
    with qtbot.waitSignal(table.filled):
        table.fetchMore(table.index(-1, -1))
    assert table.rowCount() == PAGE_SIZE + 20
    assert titles(table)[0] == f"Question {PAGE_SIZE + 19}"
    assert titles(table)[-1] == "Question 0"
    qtmodeltester.check(table)


def test_search_and_filters(qtbot: QtBot, stage: Stage) -> None:
    fill(
        qtbot,
        stage,
        run(1, prompt="red apples"),
        run(2, state="interrupted"),
        run(3, kind="training", title="My training"),
    )
    with qtbot.waitSignal(stage.table.filled):
        stage.page.findChild(QLineEdit).setText("apples")
    assert titles(stage.table) == ["Question 1"]
    with qtbot.waitSignal(stage.table.filled):
        stage.table.show(RunFilter(kind="training"))
    assert titles(stage.table) == ["My training"]
    with qtbot.waitSignal(stage.table.filled):
        stage.page.findChild(QLineEdit).setText("no such words")
    assert "Nothing matches" in stage.texts()


def open_first(qtbot: QtBot, stage: Stage) -> AnswerView:
    stage.page._view.selectRow(0)
    qtbot.waitUntil(lambda: stage.page._detail.currentIndex() == 1)
    view: AnswerView = stage.page.findChild(AnswerView)
    return view


def test_an_opened_answer_has_its_blocks_and_figures(qtbot: QtBot, stage: Stage) -> None:
    fill(qtbot, stage, run(1))
    view = open_first(qtbot, stage)
    assert view.text == ANSWER
    assert len(view.passes) == len(scripted_events()) - 2
    for part in ("Question 1", "Tokens per pass", "2.50", "a processor"):
        assert part in stage.texts()


def test_an_opened_answer_can_be_coloured_in_every_way(qtbot: QtBot, stage: Stage) -> None:
    fill(qtbot, stage, run(1))
    view = open_first(qtbot, stage)
    details = stage.page.run_view
    for mode in COLOUR_MODES:
        details._colours.setCurrentIndex(details._colours.findData(mode))
        assert {text._layer.mode for _part, text, _fold in view._parts} == {mode}
        assert details._legend._mode == mode


def test_an_opened_benchmark_has_its_table(qtbot: QtBot, stage: Stage) -> None:
    table = "            per pass\nnext_token      1.00\nconfadapt       2.00"
    fill(qtbot, stage, run(1, kind="bench", answer=table))
    stage.page._view.selectRow(0)
    shown = stage.page.run_view._table
    qtbot.waitUntil(shown.isVisible)
    assert shown.toPlainText() == table
    assert not shown.verticalScrollBar().maximum()
    assert stage.page.run_view._answer.isHidden()


def test_another_threshold_is_an_estimate_for_the_opened_answer_only(
    qtbot: QtBot, stage: Stage
) -> None:
    fill(qtbot, stage, run(1), run(2))
    view = open_first(qtbot, stage)
    recorded, what_if = view.block_sizes, stage.page.run_view._what_if
    what_if.button.click()
    what_if._slider.set_threshold(1.0)
    assert what_if.isVisible()
    assert set(view.block_sizes) == {1}
    stage.page._view.selectRow(1)
    qtbot.waitUntil(lambda: "Question 1" in stage.page.run_view._title.text())
    assert what_if.isHidden()
    assert view.block_sizes == recorded


def test_a_training_has_no_colours_and_no_other_threshold(qtbot: QtBot, stage: Stage) -> None:
    fill(qtbot, stage, run(1, kind="training"))
    open_first(qtbot, stage)
    details = stage.page.run_view
    for part in (details._colours, details._legend, details._what_if.button):
        assert part.isHidden()


def test_a_training_is_told_in_words_and_leads_to_its_page(
    qtbot: QtBot, stage: Stage, tmp_path: Path
) -> None:
    asked = {
        "data": ["/docs/pumps.md", "/docs/valves.md"],
        "start_from": "none",
        "kind": "gated",
        "minutes": 30.0,
        "synthesize": True,
        "slot_vectors": True,
        "vector_learning_rate": 0.015,
    }
    came = {"step": 1200, "total_steps": 1500, "agreement_by_slot": [0.8, 0.7], "seconds": 1500}
    advice = {"advised_threshold": 0.95, "advice": "So."}
    changes = {"settings": asked, "summary": came | advice, "machine": {"pid": 7, "cpu": "toy"}}
    fill(qtbot, stage, run(1, kind="training", prompt="", run_dir=str(tmp_path), **changes))
    view = stage.page.run_view
    stage.page.open_run("run1")
    qtbot.waitUntil(lambda: "pumps.md" in stage.texts())
    told = stage.texts()
    for words in (
        "pumps.md, valves.md, what the model writes itself",
        "the model alone",
        "Fast, with mask rows",
        "30 min",
        "1,200 of 1,500",
        "0.80, 0.70",
        "Use threshold 0.95. So.",
    ):
        assert words in told
    for raw in ("True", "Vector learning rate", "Pid"):
        assert raw not in told
    assert not view._prompt.isVisible()
    with qtbot.waitSignal(view.training_requested) as wished:
        view._training.click()
    assert wished.args == [tmp_path]
    fill(qtbot, stage, run(2, kind="training", run_dir=str(tmp_path / "gone")))
    stage.page.open_run("run2")
    qtbot.waitUntil(lambda: "Question 2" in view._title.text())
    assert view._training.isHidden()


def test_a_training_stands_beside_its_forecast(qtbot: QtBot, stage: Stage) -> None:
    took = {"seconds": 1860.0, "peak_bytes": 2 * 10**9}
    expected = {"forecast_seconds": 1800.0, "forecast_peak_bytes": 18 * 10**8}
    fill(qtbot, stage, run(1, kind="training", summary=took | expected))
    open_first(qtbot, stage)
    shown = stage.texts().split("\n")
    assert "31 min (forecast 30 min)" in shown
    assert "2.0 GB (forecast 1.8 GB)" in shown


def test_settings_are_shown_and_paths_stay_as_they_are(qtbot: QtBot, stage: Stage) -> None:
    settings = {"model_path": "/models/my_model", "max_new_tokens": 64, "seed": None, "stop": []}
    fill(qtbot, stage, run(1, settings=settings))
    open_first(qtbot, stage)
    shown = stage.texts().split("\n")
    for part in ("Model path", "/models/my_model", "Max new tokens", "64"):
        assert part in shown
    assert "Seed" not in shown
    assert "Stop" not in shown


def test_an_interrupted_answer_is_marked(qtbot: QtBot, stage: Stage) -> None:
    fill(qtbot, stage, run(1, state="interrupted"))
    open_first(qtbot, stage)
    assert stage.page.run_view._note.isVisible()


def test_open_in_chat_asks_for_the_chat(qtbot: QtBot, stage: Stage) -> None:
    fill(qtbot, stage, run(7))
    open_first(qtbot, stage)
    with qtbot.waitSignal(stage.page.chat_requested) as asked:
        stage.page.run_view._chat.click()
    assert asked.args == ["chat7"]


def test_delete_asks_first(qtbot: QtBot, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(qtbot, stage, run(1), run(2))
    open_first(qtbot, stage)
    answers = iter([False, True])
    monkeypatch.setattr("app.pages.history.page.confirm_delete", lambda *_: next(answers))
    stage.page.delete_selected()
    assert stage.store.count_runs() == 2
    with qtbot.waitSignal(stage.table.filled):
        stage.page.delete_selected()
    assert titles(stage.table) == ["Question 1"]
    assert stage.page._detail.currentIndex() == 0


@pytest.mark.parametrize("form", FILE_FILTERS)
def test_export_writes_the_chosen_form(
    qtbot: QtBot, stage: Stage, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(qtbot, stage, run(1))
    open_first(qtbot, stage)
    chosen = FILE_FILTERS[form]  # type: ignore[index]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), chosen))
    with qtbot.waitSignal(stage.page.status_message):
        stage.page.export_selected()
    (written,) = tmp_path.glob("out.*")
    text = written.read_text(encoding="utf-8")
    assert "Question 1" in text
    if form == "json":
        assert json.loads(text)["runs"][0]["id"] == "run1"


def test_without_a_history_the_page_says_why(qtbot: QtBot, paths: Paths) -> None:
    paths.data.mkdir(parents=True)
    paths.database.mkdir()
    jobs = Jobs()
    history = History(paths, jobs)
    engine = EngineController(FakeOpener())
    context = make_context(paths, SettingsHolder(paths.settings_file), history, engine, jobs)
    page = HistoryPage(context)
    qtbot.addWidget(page)
    with qtbot.waitSignal(history.failed):
        history.open()
    texts = "\n".join(label.text() for label in page.findChildren(QLabel))
    assert "The history is not available" in texts
    assert not page.findChild(QLineEdit).isEnabled()
    assert engine.close()
    assert jobs.close()
