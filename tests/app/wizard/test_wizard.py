"""The wizard over its draft: pages follow it; the way back and a closed app lose nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QComboBox, QPushButton, QRadioButton, QSpinBox, QTableWidget
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.wizard import state as wizard_state
from app.wizard.columns import Confirmation
from app.wizard.files_page import DropZone
from app.wizard.wizard import Wizard
from app.workers.inventory import Inventory, ModelChoice
from core.control import Cancel
from core.device import Device
from core.errors import KnownError
from core.model.store import ModelEntry
from core.train.draft import draft_file, load_draft
from core.train.forecast import Measured, RowLengths
from core.train.spec import TrainSpec
from tests.core.toy import save_toy

Make = Callable[..., Application]
MEASURED = Measured(2.0, 3 * 10**9, trained_bytes=10**7, device="cpu", room_bytes=10**10)


@pytest.fixture
def machine(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """This machine has a toy model; probes find what they are told."""
    folder = save_toy(tmp_path / "toy")
    entry = ModelEntry("toy", folder, "folder", 10**6, "Apache-2.0", "")
    broken = ModelEntry("broken", tmp_path / "broken", "folder", 0, "", "its weights are missing")
    inventory = Inventory(
        models=(ModelChoice(broken, "broken", 0), ModelChoice(entry, str(folder), 10**8)),
        devices=(Device("cpu", "A processor", "cpu", 10**10, 10**10),),
    )
    monkeypatch.setattr(wizard_state, "run_probe", lambda *_: MEASURED)
    return inventory


@pytest.fixture
def documents(tmp_path) -> Path:
    folder = tmp_path / "Meine Dateien"
    folder.mkdir()
    (folder / "a.txt").write_text("The pump was greased. Write to jo@example.org about it.")
    (folder / "b.jsonl").write_text('{"prompt": "Q", "response": "An answer of some words"}\n')
    (folder / "c.pdf").write_bytes(b"no pdf")
    return folder


@pytest.fixture
def wizard(qtbot: QtBot, make_stride: Make, machine: Inventory) -> Wizard:
    """By itself, so that nothing is trained."""
    made = Wizard(make_stride().context)
    qtbot.addWidget(made)
    made.show()
    made.show_inventory(machine)
    return made


def drop(zone: DropZone, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    action = Qt.DropAction.CopyAction
    zone.dropEvent(QDropEvent(QPointF(5, 5), action, data, buttons, keys))


def read(qtbot: QtBot, wizard: Wizard, *paths: Path) -> None:
    drop(wizard.findChild(DropZone), *paths)
    wait_read(qtbot, wizard)


def wait_read(qtbot: QtBot, wizard: Wizard) -> None:
    qtbot.waitUntil(lambda: not wizard.state.is_reading, timeout=20_000)
    assert wizard.state.look is not None


def test_the_first_usable_model_is_chosen(wizard: Wizard) -> None:
    buttons = {one.text(): one for one in wizard.findChildren(QRadioButton)}
    assert buttons["toy"].isChecked()
    assert not buttons["broken"].isEnabled()
    assert wizard._next.isEnabled()


def test_dropped_files_are_reported_and_shown_as_the_model_reads_them(
    qtbot: QtBot, wizard: Wizard, documents
) -> None:
    wizard._next.click()
    assert not wizard._next.isEnabled()
    assert wizard._why.text() == "Choose at least one file or folder."
    read(qtbot, wizard, documents)
    look = wizard.state.look
    assert look is not None
    assert look.preview.rows == 1  # the row with an e-mail address is left out
    view = wizard.page._look
    table = view._table
    said = {table.item(row, 0).text(): table.item(row, 5).text() for row in range(3)}
    assert "e-mail address and was left out" in next(said[one] for one in said if "a.txt" in one)
    assert next(said[one] for one in said if "c.pdf" in one)
    assert view._texts.count() == 3  # a name, a place and a text
    tokens = [table.item(row, 4).text() for row in range(3)]
    assert f"{look.preview.lengths[0]}" in tokens
    assert wizard._next.isEnabled()
    wizard.page._secrets.click()
    qtbot.waitUntil(lambda: wizard.state.look is not None)
    assert wizard.state.look.preview.rows == 2
    assert wizard.state.draft.name == "meine-dateien"


def test_every_kind_of_row_and_finding_is_shown(qtbot: QtBot, wizard: Wizard, tmp_path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    pair = '{"prompt": "Same", "response": "An answer"}\n'
    (folder / "a.jsonl").write_text(pair * 30 + '{"prompt": "PASSWORD=hunter2"}\n{"prompt": 1}\n')
    (folder / "b.txt").write_text("Some words of a text.")
    wizard._next.click()
    read(qtbot, wizard, folder)
    view = wizard.page._look
    sources = [view._texts.itemAt(n).widget().text() for n in (1, 4)]
    assert sources == ["mixed/a.jsonl, line 1", "mixed/b.txt, line 1"]
    [row] = [n for n in range(2) if view._table.item(n, 0).text() == "mixed/a.jsonl"]
    told = view._table.item(row, 5)
    assert told.text().startswith("line 32: ")
    assert told.text().endswith("(and 2 more)")
    assert "line 31: it seems to hold a password and was left out" in told.toolTip()
    assert "lines 2, 3, 4 and 26 more: it is a duplicate" in told.toolTip()


def test_a_sample_is_chosen_from_the_menu(qtbot: QtBot, wizard: Wizard) -> None:
    wizard._next.click()
    zone = wizard.findChild(DropZone)
    actions = {one.text(): one for one in zone.findChildren(QAction)}
    actions["Clinic letters"].trigger()
    qtbot.waitUntil(lambda: wizard.state.look is not None, timeout=20_000)
    assert wizard.state.look.preview.unanswered == 600
    assert wizard.state.draft.name == "clinic"


def choose(wizard: Wizard, name: str, column: str) -> None:
    box = wizard.findChild(QComboBox, name)
    box.setCurrentText(column)
    box.activated.emit(box.currentIndex())


def confirmation(wizard: Wizard) -> Confirmation:
    """The one tick that is asked for."""
    [found] = [one for one in wizard.findChildren(Confirmation) if one.isVisibleTo(wizard.page)]
    return found


def test_columns_are_chosen_and_their_rows_confirmed(
    qtbot: QtBot, wizard: Wizard, tmp_path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"prompt": "Known", "response": "An answer"}\n' * 3)
    (folder / "t.csv").write_text('"Frage, kurz",Antwort,id\nWas?,Das.,7\nWer?,Der.,8\n')
    wizard._next.click()
    read(qtbot, wizard, folder)
    page = wizard.page
    form = page._columns
    boxes = {name: wizard.findChild(QComboBox, name) for name in ("prompt", "response", "text")}
    assert form.isVisibleTo(page)
    assert "mixed/t.csv" in form._about.text()
    offered = ["—", "Frage, kurz", "Antwort", "id"]
    assert [boxes["prompt"].itemText(n) for n in range(boxes["prompt"].count())] == offered
    assert not any(box.currentData() for box in boxes.values())
    assert not boxes["response"].isEnabled()
    assert not wizard._next.isEnabled()
    assert "Choose which columns of mixed/t.csv" in wizard._why.text()

    choose(wizard, "prompt", "Frage, kurz")
    wait_read(qtbot, wizard)
    choose(wizard, "response", "Antwort")
    wait_read(qtbot, wizard)
    assert wizard.state.look.preview.rows == 5  # those of the known shape are read, too
    shown = [row.given for row in wizard.state.look.preview.rendered]
    assert ["Was?" in shown[0], "Wer?" in shown[1], "Known" in shown[2]] == [True] * 3
    assert not wizard._next.isEnabled()
    assert "Confirm that the rows of mixed/t.csv are right" in wizard._why.text()
    confirmation(wizard).click()
    assert wizard._next.isEnabled()

    choose(wizard, "text", "Antwort")  # another choice is to be confirmed again
    assert not wizard.state.draft.columns_confirmed
    wait_read(qtbot, wizard)
    assert boxes["prompt"].currentData() == ""
    assert boxes["text"].currentData() == "Antwort"
    assert wizard.state.look.preview.texts == 2
    assert not wizard._next.isEnabled()


def test_columns_chosen_for_other_files_are_not_asked_of_the_next(
    qtbot: QtBot, wizard: Wizard, tmp_path, documents
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("Frage,Antwort\nWas?,Das.\n")
    wizard._next.click()
    read(qtbot, wizard, table)
    choose(wizard, "text", "Antwort")
    wait_read(qtbot, wizard)
    wizard.state.set_files((str(documents),))
    wait_read(qtbot, wizard)
    wizard._next.click()
    wizard._next.click()
    qtbot.waitUntil(lambda: wizard.state.plan is not None)
    assert wizard.state.draft.columns == "text=Antwort"  # they are there again with the table
    assert wizard.state.plan.spec.columns == ""


def test_prompts_that_are_all_too_long_are_no_rows_to_train_on(
    qtbot: QtBot, wizard: Wizard, tmp_path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"prompt": "long " * 500, "response": "An answer"}) + "\n")
    wizard._next.click()
    read(qtbot, wizard, rows)
    assert wizard.state.look.preview.rows == 1
    assert "longer than the context" in wizard._why.text()


def test_tables_without_known_columns_can_be_left_out(
    qtbot: QtBot, wizard: Wizard, tmp_path
) -> None:
    table, rows = tmp_path / "t.csv", tmp_path / "rows.jsonl"
    table.write_text("Frage,Antwort\nWas?,Das.\n")
    rows.write_text('{"prompt": "Known", "response": "An answer"}\n')
    wizard._next.click()
    read(qtbot, wizard, table)
    leave_out = confirmation(wizard)
    assert leave_out.text() == "Leave out these tables"
    leave_out.click()
    assert wizard._why.text() == "The files hold no rows to train on."
    read(qtbot, wizard, rows)
    assert not leave_out.isChecked()  # other files, another decision
    assert not wizard._next.isEnabled()
    leave_out.click()
    assert wizard._next.isEnabled()
    assert wizard.state.problems() == []


def test_what_texts_become_is_shown_as_it_is_chosen(qtbot: QtBot, wizard: Wizard, tmp_path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("The pump of line three was greased on Monday by the day shift. " * 20)
    wizard._next.click()
    read(qtbot, wizard, notes)
    view = wizard.page._look
    headings = [view._texts.itemAt(n).widget().text() for n in range(0, 9, 3)]
    assert set(headings) == {"The model first writes a question about this passage, and the answer"}
    assert "passages of at most 110 words" in view._passages.text()
    assert view._cut.text().startswith("3 passages: ")
    wizard.state.set_advanced("passages", "text")
    wait_read(qtbot, wizard)
    assert view._texts.itemAt(0).widget().text().endswith(" tokens")
    assert "They are learned from as they are." in view._passages.text()


def test_the_way_to_the_review_and_back_loses_nothing(
    qtbot: QtBot, wizard: Wizard, documents, paths
) -> None:
    started = []
    wizard.start_requested.connect(lambda *given: started.append(given))
    wizard._next.click()
    read(qtbot, wizard, documents)
    wizard._next.click()
    recipe = wizard.page
    recipe._name.setText("pumps")
    recipe._name.textEdited.emit("pumps")
    next(one for one in recipe.findChildren(QRadioButton) if "Quick" in one.text()).click()
    recipe.findChild(QComboBox, "start_from").setCurrentIndex(1)
    recipe.findChild(QComboBox, "start_from").activated.emit(1)
    recipe.findChild(QSpinBox, "rank").setValue(5)
    wizard._next.click()
    qtbot.waitUntil(lambda: wizard.state.forecast is not None)
    review = wizard.page
    assert review._verdict.text() == "Ready"
    assert "10 min, the limit that was set: done by about " in review._forecast.text()
    assert "About 255 steps; about 3.0 GB of memory" in review._forecast.text()
    assert "At this pace" not in review._forecast.text()
    assert "--rank 5" in review._command.text()
    review._on_copy_command()
    assert QGuiApplication.clipboard().text() == review._command.text()
    for _ in range(3):
        wizard._back.click()
    for _ in range(3):
        wizard._next.click()
    assert load_draft(draft_file(paths)) == wizard.state.draft
    wizard._next.click()
    [(spec, forecast, keep_chatting)] = started
    assert (spec.rank, spec.minutes, spec.out) == (5, 10, str(paths.adapters / "pumps"))
    assert forecast.steps == 255
    assert not keep_chatting


def test_a_name_that_is_taken_stops_the_way(qtbot: QtBot, wizard: Wizard, documents, paths) -> None:
    (paths.adapters / "old").mkdir(parents=True)
    (paths.adapters / "old" / "stride-adapter.json").write_text("{}")
    wizard._next.click()
    read(qtbot, wizard, documents)
    wizard._next.click()
    wizard.page._name.textEdited.emit("old")
    assert not wizard._next.isEnabled()
    assert "already" in wizard._why.text()


def test_a_probe_that_fails_is_told_but_does_not_stop(
    qtbot: QtBot, wizard: Wizard, documents, monkeypatch
) -> None:
    def fail(_spec: TrainSpec, _cancel: Cancel, _lengths: RowLengths) -> Measured:
        raise KnownError("Not even one step.")

    monkeypatch.setattr(wizard_state, "run_probe", fail)
    wizard._next.click()
    read(qtbot, wizard, documents)
    wizard._next.click()
    wizard._next.click()
    qtbot.waitUntil(lambda: "Not even one step" in wizard.page._forecast.text())
    assert wizard._next.isEnabled()
    wizard._back.click()
    wizard._back.click()
    assert wizard._next.isEnabled()
    assert wizard.page._look._table.isVisibleTo(wizard)


def test_a_draft_that_cannot_be_saved_is_told(qtbot: QtBot, wizard: Wizard, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wizard_state, "save_draft", full)
    with qtbot.waitSignal(wizard.state.failed) as told:
        wizard.state.update(name="x")
    assert "No space left" in str(told.args[0])
    assert wizard.state.draft.name == "x"


def test_a_kept_draft_is_named_and_can_be_dropped(
    qtbot: QtBot, wizard: Wizard, documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    wizard.enter()
    assert not wizard._last_draft.isVisible()
    wizard._next.click()
    read(qtbot, wizard, documents)
    assert not wizard._last_draft.isVisible()  # it is being made now
    wizard.enter()
    assert wizard._last_draft.isVisible()
    answers = iter([False, True])
    monkeypatch.setattr("app.wizard.wizard.confirm_delete", lambda *_: next(answers))
    wizard._last_draft.findChild(QPushButton).click()
    assert wizard._last_draft.isVisible()
    wizard._last_draft.findChild(QPushButton).click()
    assert not wizard._last_draft.isVisible()
    assert wizard.page.name == "Model"
    assert not wizard.state.draft.is_begun


def test_the_keyboard_goes_on_and_back(qtbot: QtBot, wizard: Wizard, documents) -> None:
    def focus() -> str:
        one = wizard.focusWidget()
        assert wizard.page.isAncestorOf(one)
        return one.text()

    wizard.enter()
    assert focus() == "toy"
    wizard._next.click()
    assert focus() == "Choose files…"
    read(qtbot, wizard, documents)
    wizard._next.click()
    assert focus() == "Balanced, 30 minutes"
    name = wizard.page._name
    name.clear()
    qtbot.keyClicks(name, "a/b")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert wizard.page.name == "Recipe"  # not by that name
    name.clear()
    qtbot.keyClicks(name, "pumps")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert wizard.page.name == "Review"


def test_a_long_name_is_no_adapters(wizard: Wizard) -> None:
    wizard._go_to(2)
    wizard.page._name.textEdited.emit("a" * 300)
    assert wizard._why.text() == "The name of the new adapter is too long."
    wizard.page._name.setText("a" * 300)
    assert len(wizard.page._name.text()) == 120


def test_changed_advanced_settings_are_not_hidden(wizard: Wizard) -> None:
    wizard._go_to(2)
    wizard.enter()
    rank = wizard.findChild(QSpinBox, "rank")
    assert not rank.isVisible()
    wizard.state.set_advanced("kind", "heads")
    wizard._go_to(1)
    wizard._go_to(2)
    wizard.enter()
    assert rank.isVisible()


def test_only_a_full_training_on_several_ranks_can_be_divided(wizard: Wizard) -> None:
    shard = wizard.findChild(QComboBox, "shard")
    assert not shard.isEnabled()
    choose(wizard, "kind", "Every weight")
    wizard.findChild(QSpinBox, "processes").setValue(2)
    assert shard.isEnabled()
    choose(wizard, "shard", "Divided among them")
    assert wizard.state.draft.advanced["shard"] is True
    choose(wizard, "kind", "Fast, with mask rows")
    assert not shard.isEnabled()
    assert "shard" not in wizard.state.draft.advanced


def test_heads_are_chosen_beside_mask_rows(wizard: Wizard) -> None:
    heads, k_max = wizard.findChild(QSpinBox, "heads"), wizard.findChild(QSpinBox, "k_max")
    assert not heads.isEnabled()
    choose(wizard, "kind", "Exact, with heads")
    assert heads.isEnabled()
    assert not k_max.isEnabled()
    heads.setValue(2)
    assert wizard.state.draft.advanced == {"kind": "heads", "heads": 2}
    choose(wizard, "kind", "Fast, with mask rows")
    assert wizard.state.draft.advanced == {}


def test_tab_leads_out_of_the_report(qtbot: QtBot, wizard: Wizard, documents) -> None:
    wizard._next.click()
    read(qtbot, wizard, documents)
    table = wizard.findChild(QTableWidget)
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert not table.hasFocus()
