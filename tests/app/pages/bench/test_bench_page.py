"""The benchmark page: measured with the chat model away, stopped, gone on with, used, saved."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.navigation import BENCH, CHAT
from app.pages.bench import page as bench_page
from app.pages.bench.page import NO_MODEL, BenchPage
from app.pages.bench.setup import BUILT_IN
from app.widgets.point_chart import PointChart
from app.widgets.save_as import KINDS
from core.engine.request import LoadSpec, SessionInfo
from core.evaluate.bench import record as bench_record
from core.evaluate.bench.bench import Bench
from core.evaluate.bench.record import BenchRecorder, read_bench
from core.evaluate.prompts import BenchPrompt, prompts_to_jsonl
from core.history.records import RunFilter
from core.history.training import HELD_OUT_FILE, SPEC_FILE
from core.train.spec import TrainSpec, write_spec
from tests.core.engine.harness import toy_session
from tests.fakes import INFO

Make = Callable[..., Application]
ROWS = [
    {"prompt": "one", "family": "letters", "check": {"kind": "equals", "answers": ["never"]}},
    {"prompt": "two", "family": "letters", "check": {"kind": "equals", "answers": ["never"]}},
    {"prompt": "three", "family": "talk", "reference": "some words"},
]


@pytest.fixture
def page(
    make_stride: Make, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> BenchPage:
    """A page with a model loaded, three prompts chosen and a toy that decodes them."""

    def recorder(_session: object, *rest: object) -> BenchRecorder:
        return BenchRecorder(toy_session(), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(bench_page, "BenchRecorder", recorder)
    monkeypatch.setattr(bench_record, "weights_hash", lambda _: "hash")
    monkeypatch.setattr(bench_record, "cached_weights_hash", lambda *_: "hash")
    stride = make_stride()
    stride.window.show_page(BENCH)
    stride.context.engine.load(LoadSpec("toy"))
    qtbot.waitUntil(lambda: stride.context.engine.info is not None)
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    page = stride.window.bench
    page._setup.choose(file)
    page._setup._thresholds.setText("0.9, 0.3")
    page._setup._tokens.setValue(12)
    return page


def measure(qtbot: QtBot, page: BenchPage) -> None:
    with qtbot.waitSignal(page._context.loan.reload_requested, timeout=20_000):
        page._start.click()
    qtbot.waitUntil(page.outcome.isVisible, timeout=10_000)


def after_answer(number: int, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something in the engine's thread once so many answers are decoded."""
    before, done = Bench._answer, []

    def answer(self, *args):
        done.append(before(self, *args))
        if len(done) == number:
            act()
        return done[-1]

    monkeypatch.setattr(Bench, "_answer", answer)


def column(page: BenchPage, number: int) -> list[str]:
    table = page.outcome._table
    items = [table.item(row, number) for row in range(table.rowCount())]
    return [item.text() for item in items if item is not None]


def test_it_says_what_is_missing(make_stride: Make) -> None:
    page = make_stride().window.bench
    assert not page._start.isEnabled()
    assert page._row.why.text() == NO_MODEL
    page._on_loaded(INFO)
    assert page._start.isEnabled()


def test_what_the_model_offers_is_measured(page: BenchPage) -> None:
    bare = replace(INFO, adapter=None, adapter_path=None, k_max=1)
    heads = replace(bare, adapter="heads", heads=2)

    def names(info: SessionInfo) -> list[str]:
        return [way.name for way in page._setup.planner(info)().ways]

    assert set(names(INFO)) == {"confadapt"}
    assert names(bare) == ["prompt_lookup"]
    assert names(heads) == ["heads", "prompt_lookup"]
    page._setup._exact.setChecked(True)
    assert list(dict.fromkeys(names(INFO))) == ["confadapt", "verified", "prompt_lookup"]


def test_the_figures_are_those_of_what_was_written_down(qtbot: QtBot, page: BenchPage) -> None:
    measure(qtbot, page)
    (path,) = page._context.paths.benches.iterdir()
    run = read_bench(path).runs[0]
    assert column(page, 0) == ["One token a pass", "0.9", "0.3"]
    for way, shown in zip(run[0], column(page, 3), strict=True):
        sizes = [size for answers in run for size in answers[way].measured.sizes]
        assert shown.split()[0] == f"{sum(sizes) / len(sizes):.2f}"
    for way, shown in zip(run[0], column(page, 5), strict=True):
        agreed = sum(answers[way].seen_by_base.agreed for answers in run)
        tokens = sum(len(answers[way].measured.token_ids) for answers in run)
        assert shown.split()[0] == f"{agreed / tokens:.3f}"
    store = page._context.history.store
    assert store is not None
    qtbot.waitUntil(lambda: bool(store.list_runs(RunFilter(kind="bench"))), timeout=5000)


def test_a_stopped_benchmark_shows_what_is_done_and_goes_on(
    qtbot: QtBot, page: BenchPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The warm-up, the first prompt, one answer to the second.
    after_answer(7, page._work.stop, monkeypatch)
    measure(qtbot, page)
    assert "1 prompt," in page.outcome._how.text()
    assert "broken off" in page.outcome._how.text()
    qtbot.waitUntil(page._go_on.isEnabled, timeout=10_000)
    page._go_on.click()
    qtbot.waitUntil(lambda: page._record is not None and page._record.is_complete, timeout=20_000)
    assert "3 prompts," in page.outcome._how.text()
    assert not page._go_on.isVisible()
    store = page._context.history.store
    assert store is not None
    runs = lambda: store.list_runs(RunFilter(kind="bench"))  # noqa: E731
    qtbot.waitUntil(lambda: [one.state for one in runs()] == ["completed"], timeout=5000)


def test_a_threshold_is_used_in_the_chat(qtbot: QtBot, page: BenchPage) -> None:
    measure(qtbot, page)
    page.outcome._table.selectRow(2)
    assert page.outcome._use.text() == "Use threshold 0.3, k_max 8"
    page.outcome._use.click()
    window = page.window()
    assert window.pages.currentIndex() == CHAT
    assert window.chat.header.slider.threshold == 0.3
    assert page._context.settings.value.threshold == 0.3


def test_a_point_picks_its_row_and_families_their_measures(qtbot: QtBot, page: BenchPage) -> None:
    measure(qtbot, page)
    outcome = page.outcome
    outcome.findChildren(PointChart)[0].picked.emit(1)
    assert outcome._selected is outcome._points[1].row
    qualities = [outcome._quality.itemText(n) for n in range(outcome._quality.count())]
    assert qualities == ["Agreement", "Right answers", "Likelihood", "ROUGE-L", "Exact matches"]
    outcome._quality.setCurrentText("ROUGE-L")
    outcome._family.setCurrentText("Letters")
    assert outcome._quality.currentText() == "Agreement"
    assert outcome._quality.findText("ROUGE-L") < 0
    # What is shown below follows: one row is selected, and the button is that row's.
    assert outcome._selected is not None
    assert outcome._selected["family"] == "letters"
    assert not outcome._use.isEnabled()  # one token a pass
    outcome._table.clearSelection()
    assert not outcome._use.isEnabled()


def test_it_is_saved_in_every_form(
    qtbot: QtBot, page: BenchPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(qtbot, page)
    for kind in KINDS:
        chosen = str(tmp_path / "bench"), kind
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, one=chosen: one)
        page.outcome._save.click()
    sizes = {one.suffix: one.stat().st_size for one in tmp_path.glob("bench.*")}
    assert set(sizes) == {".html", ".csv", ".json", ".png"}
    assert all(size > 500 for size in sizes.values())


def test_trainings_that_kept_their_held_out_rows_are_offered(qtbot: QtBot, page: BenchPage) -> None:
    source, training = page._setup._source, page._context.training
    paths = page._context.paths

    def made(name: str, prompts: tuple[BenchPrompt, ...]) -> Path:
        folder = paths.runs / f"run-{name}"
        folder.mkdir(parents=True)
        write_spec(folder / SPEC_FILE, TrainSpec("toy", f"/adapters/{name}", ("a.txt",), steps=1))
        (folder / HELD_OUT_FILE).write_text(prompts_to_jsonl(prompts), encoding="utf-8")
        return folder

    def offered() -> list[str]:
        texts = [source.itemText(number) for number in range(source.count())]
        return [text for text in texts if "held out from its" in text]

    chosen = source.currentText()
    held = made("pumps", (BenchPrompt("one"), BenchPrompt("two")))
    (made("bare", ()) / HELD_OUT_FILE).unlink()
    training.refresh()
    qtbot.waitUntil(lambda: offered() == ["pumps: the rows held out from its training"])
    assert source.currentText() == chosen
    source.setCurrentText(offered()[0])
    assert page._setup.planner(INFO)().prompts == (BenchPrompt("one"), BenchPrompt("two"))
    shutil.rmtree(held)
    training.refresh()
    qtbot.waitUntil(lambda: not offered())
    assert source.currentText() == BUILT_IN


def test_wrong_thresholds_get_a_sentence(qtbot: QtBot, page: BenchPage) -> None:
    page._setup._thresholds.setText("high")
    with qtbot.waitSignal(page._context.jobs.failed):
        page._start.click()
    assert not page._work.is_at_work


def test_a_file_that_is_no_benchmark_gets_a_sentence(
    qtbot: QtBot, page: BenchPage, tmp_path: Path
) -> None:
    measure(qtbot, page)
    before = page._path
    with qtbot.waitSignal(page._context.jobs.failed):
        page._read(tmp_path / "prompts.jsonl", page._on_read)
    assert page._path == before
    assert page.outcome.isVisible()


def test_another_model_cannot_go_on(
    qtbot: QtBot, page: BenchPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(qtbot, page)
    record = page._record
    assert record is not None
    page._record = replace(record, runs=[record.runs[0][:1]])
    page._on_loaded(replace(INFO, model="another"))
    assert page._go_on.isVisible()
    assert not page._go_on.isEnabled()
    assert "Load" in page._go_on.toolTip()


def test_a_training_stops_it(
    qtbot: QtBot, page: BenchPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    after_answer(7, lambda: page._context.training.began.emit(tmp_path), monkeypatch)
    with qtbot.waitSignal(page.status_message):
        measure(qtbot, page)
    assert page._record is not None
    assert not page._record.is_complete


def test_closing_the_window_keeps_what_is_measured(
    qtbot: QtBot, page: BenchPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def linger() -> None:
        busy.append(True)
        time.sleep(0.3)

    busy: list[bool] = []
    after_answer(7, linger, monkeypatch)
    page._start.click()
    qtbot.waitUntil(lambda: bool(busy), timeout=10_000)
    page.window().close()
    assert page.window().has_ended
    (path,) = page._context.paths.benches.iterdir()
    assert len(read_bench(path).runs[0]) == 1
