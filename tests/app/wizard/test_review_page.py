"""The review: ready, not ready and why, and a forecast of the rows that are really there."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.wizard import state as wizard_state
from app.wizard.wizard import Wizard
from app.workers.inventory import Inventory
from core.control import Cancel
from core.train.forecast import Measured, RowLengths, run_probe
from core.train.spec import TrainSpec
from tests.app.wizard.test_wizard import (
    MEASURED,
    Make,
    confirmation,
    documents,
    machine,
    read,
    wizard,
)

__all__ = ["documents", "machine", "wizard"]  # fixtures


def to_review(qtbot: QtBot, wizard: Wizard, documents: Path) -> None:
    wizard._next.click()
    read(qtbot, wizard, documents)
    wizard._next.click()
    wizard._next.click()


def test_it_is_not_ready_where_memory_lacks(
    qtbot: QtBot, wizard: Wizard, documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    tight = dataclasses.replace(MEASURED, room_bytes=10**9)
    monkeypatch.setattr(wizard_state, "run_probe", lambda *_: tight)
    to_review(qtbot, wizard, documents)
    qtbot.waitUntil(lambda: wizard.page._verdict.text() == "Not ready, because")
    assert "It needs 3.0 GB of memory, and 1.0 GB are free" in wizard.page._reasons.text()
    assert not wizard._next.isEnabled()
    # Behind another training it gets that one's memory, too.
    wizard.page._context.training._at_work = Path("another")
    wizard.state.changed.emit()
    assert wizard.page._verdict.text() == "Ready"
    assert "once the training before it is over" in wizard.page._forecast.text()
    assert wizard._next.isEnabled()


def test_all_answers_are_among_its_facts(qtbot: QtBot, wizard: Wizard, documents, tmp_path) -> None:
    def facts() -> dict[str, str]:
        grid = wizard.page._facts
        texts = [grid.itemAt(at).widget().text() for at in range(grid.count())]
        return dict(zip(texts[::2], texts[1::2], strict=True))

    (tmp_path / "t.csv").write_text("Frage,Antwort\nWas?,Das.\n")
    wizard._next.click()
    read(qtbot, wizard, documents, tmp_path / "t.csv")
    confirmation(wizard).click()  # the table is left out
    wizard._next.click()
    wizard._next.click()
    qtbot.waitUntil(lambda: wizard.page._verdict.text() == "Ready")
    shown = facts()
    assert shown["Learns from"] == "Meine Dateien (1 of 3 files)"
    assert shown["What is trained"] == "Fast, with mask rows"
    assert shown["Time"] == "Balanced, 30 minutes"
    assert shown["Chat meanwhile"] == "waits until it is over"
    assert "Advanced" not in shown

    wizard._back.click()
    wizard.state.set_advanced("kind", "heads")
    wizard.state.set_advanced("seed", 7)
    wizard.state.set_advanced("dtype", "float32")
    wizard.state.update(duration="quick", keep_chatting=True)
    wizard._next.click()
    qtbot.waitUntil(lambda: wizard.page._verdict.text() == "Ready")
    shown = facts()
    assert shown["What is trained"] == "Exact, with heads"
    assert shown["Time"] == "Quick, 10 minutes"
    assert shown["Chat meanwhile"] == "goes on"
    assert shown["Advanced"] == "Seed 7, Precision float32"


def test_time_for_writing_is_set_aside(qtbot: QtBot, wizard: Wizard, tmp_path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "What is greased on Mondays?"}\n')
    to_review(qtbot, wizard, prompts)
    qtbot.waitUntil(lambda: wizard.page._verdict.text() == "Ready")
    told = "About 464 steps, more where the model writes its rows quickly; about 3.0 GB of memory"
    assert told in wizard.page._forecast.text()


def test_a_pace_too_slow_to_learn_at_is_told(
    qtbot: QtBot, wizard: Wizard, documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = dataclasses.replace(MEASURED, step_seconds=100.0)
    monkeypatch.setattr(wizard_state, "run_probe", lambda *_: slow)
    to_review(qtbot, wizard, documents)
    qtbot.waitUntil(lambda: wizard.page._verdict.text() == "Ready")
    assert (
        "At this pace only about 15 steps fit: allow more time or use a smaller model."
        in wizard.page._forecast.text()
    )


def test_what_is_not_forecast_is_told_with_the_reason(
    qtbot: QtBot, wizard: Wizard, documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wizard_state, "run_probe", run_probe)
    wizard.state.set_advanced("processes", 2)
    to_review(qtbot, wizard, documents)
    qtbot.waitUntil(lambda: wizard.page._verdict.text() == "Ready, but without a forecast")
    assert "30 min, the limit that was set" in wizard.page._forecast.text()
    assert "not forecast for several processes: a probe is one alone" in (
        wizard.page._forecast.text()
    )
    assert wizard._next.isEnabled()


def test_it_starts_with_its_forecast_or_not_at_all(
    qtbot: QtBot, wizard: Wizard, documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = threading.Event()

    def probe(_spec: TrainSpec, _cancel: Cancel, _lengths: RowLengths) -> Measured:
        measured.wait(20)
        return MEASURED

    monkeypatch.setattr(wizard_state, "run_probe", probe)
    to_review(qtbot, wizard, documents)
    qtbot.waitUntil(lambda: wizard.state.is_probing)
    assert wizard.page._verdict.text() == "Measuring a few steps on this machine …"
    assert not wizard._next.isEnabled()
    measured.set()
    qtbot.waitUntil(lambda: wizard.page._verdict.text() == "Ready")
    assert wizard._next.isEnabled()


def test_a_draft_left_at_the_review_is_forecast_by_its_rows(
    qtbot: QtBot,
    wizard: Wizard,
    make_stride: Make,
    machine: Inventory,
    documents,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to_review(qtbot, wizard, documents)
    qtbot.waitUntil(lambda: wizard.page._verdict.text() == "Ready")
    known = wizard.state.look
    assert known is not None
    asked: list[RowLengths] = []

    def probe(_spec: TrainSpec, _cancel: Cancel, lengths: RowLengths) -> Measured:
        asked.append(lengths)
        return MEASURED

    monkeypatch.setattr(wizard_state, "run_probe", probe)
    again = Wizard(make_stride().context)
    qtbot.addWidget(again)
    again.show()
    again.show_inventory(machine)
    qtbot.waitUntil(lambda: again.page._verdict.text() == "Ready", timeout=20_000)
    assert asked == [RowLengths.of(known.preview)]
