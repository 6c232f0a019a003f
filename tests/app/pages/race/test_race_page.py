"""The race page: set up, measured with the chat model away, shown from the recordings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.navigation import HOME, RACE
from app.pages.race import page as race_page
from app.pages.race.lane import Lane, event_times
from app.pages.race.page import NO_PROMPT, RacePage
from app.pages.race.presentation import Presentation
from app.pages.race.sides import Side, Subject, entries_of, sides_of
from app.widgets.pass_text import PassText
from app.widgets.save_as import KINDS
from app.workers.inventory import AdapterChoice, Inventory
from core.control import Cancel
from core.engine.request import LoadSpec
from core.errors import Cancelled
from core.evaluate.measure import HEADS, Measured
from core.evaluate.race.lineup import ONE_TOKEN, Entry, Result
from core.evaluate.race.race import Racer
from core.evaluate.race.recording import read_recording, shipped_race
from core.events import PassDone
from core.history.records import RunFilter
from core.metrics import answer_figures
from core.settings import Settings
from tests.fakes import ANSWER, INFO, ended, scripted_passes, started

Make = Callable[..., Application]
TEXT = "One, two, three, four, five, six, seven."


def recorded(entry: Entry) -> Result:
    """An answer: in blocks of three, or one token a pass where that is the way."""
    sizes = (1,) if entry.way.name == "next_token" else (3,)
    passes = scripted_passes(TEXT, sizes)
    events = (started(), *passes, ended(passes))
    figures = answer_figures(passes)
    measured = Measured(
        text=TEXT,
        token_ids=tuple(token for one in passes for token in one.token_ids),
        passes=figures.passes,
        k_max=8,
        later_tokens=figures.tokens - 1,
        prefill_seconds=figures.prefill_seconds,
        decode_seconds=figures.decode_seconds,
        seconds=sum(one.seconds for one in passes),
    )
    return Result(entry, Racer(entry.way, ((measured, events),) * 3, 1.0), INFO)


@pytest.fixture
def raced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Entry, ...]]:
    """Line-ups that were run, and the results are scripted."""
    seen: list[tuple[Entry, ...]] = []

    def run_lineup(entries: Any, *_: object) -> list[Result]:
        seen.append(tuple(entries))
        return [recorded(entry) for entry in entries]

    monkeypatch.setattr(race_page, "run_lineup", run_lineup)
    return seen


@pytest.fixture
def stride(make_stride: Make) -> Application:
    made = make_stride()
    made.window.show_page(RACE)
    return made


def load(qtbot: QtBot, stride: Application) -> RacePage:
    stride.context.engine.load(LoadSpec("toy"))
    qtbot.waitUntil(lambda: stride.context.engine.info is not None)
    return stride.window.race


def test_without_a_model_it_says_what_to_do(stride: Application) -> None:
    page = stride.window.race
    assert not page._start.isEnabled()
    assert "Load a model first" in page._row.why.text()


def test_a_race_is_measured_without_the_chat_model_and_shown(
    qtbot: QtBot, stride: Application, raced: list[tuple[Entry, ...]]
) -> None:
    page = load(qtbot, stride)
    away: list[bool] = []
    stride.context.engine.unloaded.connect(lambda: away.append(True))
    with qtbot.waitSignal(stride.context.loan.reload_requested):
        page._start.click()
    assert away
    [(one, other)] = raced
    assert (one.label, one.way.name) == (ONE_TOKEN, "next_token")
    assert other.way.name == "confadapt"
    assert one.load == other.load == LoadSpec(INFO.model_path, INFO.adapter_path, "auto", "auto")
    qtbot.waitUntil(page._outcome._again.isVisible, timeout=10_000)
    assert [lane.text for lane in page._outcome._stage._lanes] == [TEXT, TEXT]


def test_the_figures_are_those_of_the_recorded_passes(
    qtbot: QtBot, stride: Application, raced: list[tuple[Entry, ...]]
) -> None:
    page = load(qtbot, stride)
    page._start.click()
    qtbot.waitUntil(page._outcome._stage._verdict.isVisible, timeout=10_000)
    for lane, entry in zip(page._outcome._stage._lanes, raced[0], strict=True):
        passes = [one for one in recorded(entry).racer.median_lap[1] if isinstance(one, PassDone)]
        figures = answer_figures(passes)
        assert f"{figures.tokens_per_pass:.2f} tokens per pass" in lane._figures.text()
        assert lane._clock.text() == f"{sum(one.seconds for one in passes):.1f} s"
        assert (
            f"{figures.tokens_per_pass:.2f} tokens per pass"
            in page._outcome._stage._explanation.text()
        )
    slow, fast = (sum(event_times(recorded(one).racer.median_lap[1])[-1:]) for one in raced[0])
    assert f"{slow / fast:.2f} times as fast" in page._outcome._stage._headline.text()
    assert "The answers are the same." in page._outcome._stage._explanation.text()


def test_the_same_on_both_sides_is_no_race_until_another_is_chosen(
    qtbot: QtBot, stride: Application
) -> None:
    page = load(qtbot, stride)
    page._setup._boxes[1].setCurrentIndex(0)
    assert not page._start.isEnabled()
    page._setup._boxes[0].setCurrentIndex(1)
    assert page._start.isEnabled()
    page._setup._prompt.clear()
    assert page._row.why.text() == NO_PROMPT


def choices() -> tuple[AdapterChoice, AdapterChoice]:
    old = AdapterChoice("old one", "/adapters/old", "gated", "toy", "hash", 8)
    return old, replace(old, name="new", wish="/adapters/new")


def test_an_old_adapter_is_offered_against_a_new_one(
    qtbot: QtBot, stride: Application, raced: list[tuple[Entry, ...]]
) -> None:
    page = stride.window.race
    page.show_inventory(Inventory(adapters=choices()))
    page.offer("/models/toy", "Write a letter.", "/adapters/old", "/adapters/new")
    assert page._setup.prompt == "Write a letter."
    page._start.click()
    qtbot.waitUntil(lambda: bool(raced))
    assert [(one.label, one.load.adapter) for one in raced[0]] == [
        ("old one", "/adapters/old"),
        ("new", "/adapters/new"),
    ]


def test_another_model_takes_its_own_sides_along(qtbot: QtBot, stride: Application) -> None:
    page = stride.window.race
    page.offer("/models/other", "", "/adapters/old", "/adapters/new")
    load(qtbot, stride)
    assert [side.adapter for side in page._setup.sides] == ["", INFO.adapter_path]
    assert page._subject.model == INFO.model_path


def test_against_a_full_adapter_one_token_decoding_is_the_base_models() -> None:
    old, new = choices()
    inventory = Inventory(adapters=(old, replace(new, kind="full", changes_base=True)))
    subject = Subject("/models/toy", ("/adapters/new",))
    one, full = Side(ONE_TOKEN), Side("new", "/adapters/new", "confadapt")
    entries = entries_of(subject, (one, full), 0.9, Settings(), inventory)
    assert [entry.load.adapter for entry in entries] == ["none", "/adapters/new", "/adapters/new"]
    assert [entry.way.name for entry in entries] == ["next_token", "next_token", "confadapt"]
    turned = entries_of(subject, (full, one), 0.9, Settings(), inventory)
    assert turned == entries[::-1]
    gated = entries_of(subject, (one, full), 0.9, Settings(), Inventory(adapters=(old, new)))
    assert [entry.load.adapter for entry in gated] == ["/adapters/new"] * 2


def test_a_race_that_is_stopped_shows_nothing_and_loads_the_chat_model_again(
    qtbot: QtBot, stride: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_lineup(_entries: Any, _request: Any, _runs: int, _open: Any, cancel: Cancel, _: Any):
        began.append(True)
        while not cancel.is_set:
            time.sleep(0.01)
        raise Cancelled

    began: list[bool] = []
    monkeypatch.setattr(race_page, "run_lineup", run_lineup)
    page = load(qtbot, stride)
    page._start.click()
    qtbot.waitUntil(lambda: bool(began))
    with qtbot.waitSignal(stride.context.loan.reload_requested):
        page.offer("/models/toy", "Later.", "", "/adapters/new")
        assert page._setup.prompt != "Later."
        page._row.stop.click()
    assert page._start.isVisible()
    qtbot.waitUntil(page._start.isEnabled)
    assert page._setup.prompt == "Later."
    assert not page._outcome._stage._verdict.isVisible()


def test_beside_a_benchmark_no_race_can_begin(qtbot: QtBot, stride: Application) -> None:
    page, bench = load(qtbot, stride), stride.window.bench
    goes_on = threading.Event()
    qtbot.waitUntil(page._start.isEnabled)
    with qtbot.waitSignal(bench._work.over):
        bench._work.start(lambda _cancel, _progress: goes_on.wait(10))
        assert page._row.why.text() == "A benchmark is at work: a race can begin once it is over."
        assert not page._start.isEnabled()
        goes_on.set()
    qtbot.waitUntil(page._start.isEnabled)
    assert not page._row.why.text()


def test_beside_a_training_neither_a_race_nor_a_benchmark_can_begin(
    qtbot: QtBot, stride: Application, tmp_path: Path
) -> None:
    race, bench, training = load(qtbot, stride), stride.window.bench, stride.context.training
    qtbot.waitUntil(race._start.isEnabled)
    training._at_work = tmp_path
    training.began.emit(tmp_path)
    for page, name in ((race, "a race"), (bench, "a benchmark")):
        assert not page._start.isEnabled()
        assert page._row.why.text() == (
            f"A training is at work: {name} beside it would measure both."
        )
    training._at_work = None
    training.ended.emit(tmp_path)
    assert race._start.isEnabled()
    assert bench._start.isEnabled()


def test_leaving_the_page_ends_the_show_not_the_result(
    qtbot: QtBot, stride: Application, raced: list[tuple[Entry, ...]]
) -> None:
    page = load(qtbot, stride)
    page._start.click()
    qtbot.waitUntil(lambda: page._outcome._stage.is_playing)
    stride.window.show_page(HOME)
    assert not page._outcome._stage.is_playing
    assert [lane.text for lane in page._outcome._stage._lanes] == [TEXT, TEXT]
    assert page._outcome._race is not None
    assert len(page._outcome._race.results) == len(raced[0])


def test_a_lane_shows_what_had_come_by_then(qtbot: QtBot) -> None:
    lane = Lane()
    qtbot.addWidget(lane)
    passes = scripted_passes(TEXT, (2,))
    lane.prepare("x", (started(), *passes, ended(passes)))
    assert not lane.show_at(passes[0].seconds * 1.5)
    lane._answer.settle()
    assert lane.text == passes[0].text
    assert lane.show_at(100.0)
    assert lane.text == TEXT


def test_the_words_that_differ_are_shown_marked(
    qtbot: QtBot, stride: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = load(qtbot, stride)
    entries = entries_of(page._subject, page._setup.sides, 0.9, Settings(), Inventory())
    one, other = (recorded(entry) for entry in entries)
    measured, events = other.racer.median_lap
    changed = replace(measured, text=TEXT.replace("five", "<5>"))
    other = replace(other, racer=replace(other.racer, laps=((changed, events),)))
    monkeypatch.setattr(race_page, "run_lineup", lambda *_: [one, other])
    page._start.click()
    differences = page._outcome._stage._differences
    qtbot.waitUntil(differences.isVisible, timeout=10_000)
    assert "The answers differ in 1 of 7 words." in page._outcome._stage._explanation.text()
    shown = differences._text.text()
    assert 'line-through">five,</span>' in shown
    assert 'underline">&lt;5&gt;,</span>' in shown
    assert f"only {ONE_TOKEN}" in differences._legend.text()


def test_equal_answers_have_no_differences_to_show(
    qtbot: QtBot, stride: Application, raced: list[tuple[Entry, ...]]
) -> None:
    page = load(qtbot, stride)
    page._start.click()
    qtbot.waitUntil(page._outcome._stage._verdict.isVisible, timeout=10_000)
    assert not page._outcome._stage._differences.isVisible()


def test_a_race_is_kept_in_the_history(
    qtbot: QtBot, stride: Application, raced: list[tuple[Entry, ...]]
) -> None:
    page = load(qtbot, stride)
    qtbot.waitUntil(lambda: stride.context.history.store is not None)
    with qtbot.waitSignal(stride.context.history.changed, timeout=10_000):
        page._start.click()
    store = stride.context.history.store
    assert store is not None
    [run] = store.list_runs(RunFilter(kind="race"))
    tokens = len(recorded(raced[0][-1]).racer.median_lap[0].token_ids)
    assert (run.source, run.summary["tokens"]) == ("app", tokens)


def test_home_plays_the_shipped_recording(qtbot: QtBot, stride: Application) -> None:
    stride.window.show_page(HOME)
    stride.window.home.see_requested.emit()
    page = stride.window.race
    qtbot.waitUntil(lambda: page._outcome._stage.is_playing)
    recording = read_recording(shipped_race())
    assert stride.window.pages.currentWidget() is page
    assert recording.facts["day"] in page._outcome._stage._note.text()
    assert recording.facts["machine"]["cpu"] in page._outcome._stage._note.text()
    page._outcome._stage.finish()
    shown = [result.racer.median_lap[0].text for result in recording.results]
    assert [lane.text for lane in page._outcome._stage._lanes] == shown
    assert page._outcome._again.isVisible()


def test_a_saved_race_is_opened_and_its_answers_inspected(
    qtbot: QtBot,
    stride: Application,
    raced: list[tuple[Entry, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = load(qtbot, stride)
    page._start.click()
    qtbot.waitUntil(page._outcome._buttons.isVisible, timeout=10_000)
    with qtbot.waitSignal(page.inspect_requested) as sides:
        page._outcome._inspect.click()
    assert stride.window.pages.currentWidget() is stride.window.inspect
    assert len(sides.args[0]) == len(raced[0])
    saved = tmp_path / "race.json"
    page._outcome._save.save(saved)
    stride.window.show_page(RACE)
    page._outcome.clear()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(saved), ""))
    page._open.click()
    qtbot.waitUntil(lambda: page._outcome._stage.is_playing)
    assert "A recording" in page._outcome._stage._note.text()


def test_a_race_is_presented_full_screen_in_large_type(
    qtbot: QtBot, stride: Application, raced: list[tuple[Entry, ...]]
) -> None:
    page = load(qtbot, stride)
    page._start.click()
    qtbot.waitUntil(page._outcome._stage._verdict.isVisible, timeout=10_000)
    stride.window.actions_by_key["present"].trigger()
    [shown] = stride.window.findChildren(Presentation)
    assert shown.isFullScreen()
    shown.activateWindow()
    qtbot.waitUntil(shown.isActiveWindow)
    assert shown.stage.is_playing
    assert shown.stage._headline.text() == page._outcome._stage._headline.text()
    assert (
        shown.stage._headline.font().pointSizeF()
        > page._outcome._stage._headline.font().pointSizeF()
    )
    shown.stage.finish()
    answers = [one.findChild(PassText).font().pointSizeF() for one in (shown, page._outcome._stage)]
    assert answers[0] > answers[1]
    qtbot.keyClick(shown, Qt.Key.Key_Space)
    assert shown.stage.is_playing
    with qtbot.waitSignal(shown.destroyed):
        qtbot.keyClick(shown, Qt.Key.Key_Escape)
    assert raced


@pytest.mark.parametrize("kind", KINDS)
def test_a_race_is_saved_for_others(
    qtbot: QtBot,
    stride: Application,
    raced: list[tuple[Entry, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    page = load(qtbot, stride)
    page._start.click()
    qtbot.waitUntil(page._outcome._buttons.isVisible, timeout=10_000)
    ending = kind.partition("*")[2].rstrip(")")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "race"), kind))
    with qtbot.waitSignal(page.status_message):
        page._outcome._save.click()
    [written] = tmp_path.glob("race.*")
    assert written.suffix == ending
    assert written.stat().st_size > 100
    assert raced
    # It is there now, under a name that the user did not write: it is asked again.
    asked: list[str] = []
    monkeypatch.setattr(
        "app.widgets.save_as.confirm_replace", lambda _parent, question: asked.append(question)
    )
    written.write_text("mine")
    page._outcome._save.click()
    assert asked
    assert written.read_text() == "mine"
    with qtbot.waitSignal(stride.context.jobs.failed) as failure:
        page._outcome._save.save(tmp_path / "no" / f"race{ending}")
    assert "cannot be written" in str(failure.args[0])


def test_live_together_is_watched_and_not_measured(qtbot: QtBot, stride: Application) -> None:
    page = load(qtbot, stride)
    page._setup._live.setChecked(True)
    with qtbot.waitSignal(stride.context.loan.reload_requested, timeout=10_000):
        page._start.click()
    assert page._live.isVisible()
    assert [lane.text for lane in page._live._lanes] == [ANSWER, ANSWER]
    assert not page._outcome.isVisible()
    store = stride.context.history.store
    assert store is not None
    assert not store.list_runs(RunFilter(kind="race"))


def test_without_an_adapter_one_token_races_against_lookup() -> None:
    subject = Subject("/models/toy", ())
    one, lookup = sides_of(subject, Inventory())
    entries = entries_of(subject, (one, lookup), 0.9, Settings(), Inventory())
    assert [entry.load.adapter for entry in entries] == ["none", "none"]
    assert [entry.way.name for entry in entries] == ["next_token", "prompt_lookup"]


def test_heads_race_exactly(tmp_path) -> None:
    old, _ = choices()
    heads = replace(old, name="mine", kind="heads", k_max=3)
    subject = Subject("/models/toy", (heads.wish,))
    one, _lookup, mine = sides_of(subject, Inventory(adapters=(heads,)))
    assert (mine.label, mine.strategy) == ("mine, exact", "heads")
    entries = entries_of(subject, (one, mine), 0.9, Settings(), Inventory(adapters=(heads,)))
    assert entries[1].way == HEADS
