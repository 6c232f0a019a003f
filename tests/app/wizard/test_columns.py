"""Odd tables and odd choices of their columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.wizard.wizard import Wizard
from tests.app.wizard.test_wizard import choose, documents, machine, read, wait_read, wizard

__all__ = ["documents", "machine", "wizard"]  # fixtures


@pytest.fixture
def table(tmp_path) -> Path:
    file = tmp_path / "t.csv"
    file.write_text(",Frage,Antwort\n0,Was?,Das.\n")
    return file


def test_a_column_without_a_name_is_not_offered(qtbot: QtBot, wizard: Wizard, table: Path) -> None:
    wizard._next.click()
    read(qtbot, wizard, table)
    box = wizard.findChild(QComboBox, "prompt")
    assert [box.itemText(row) for row in range(box.count())] == ["—", "Frage", "Antwort"]


def test_one_column_is_one_thing(qtbot: QtBot, wizard: Wizard, table: Path) -> None:
    wizard._next.click()
    read(qtbot, wizard, table)
    choose(wizard, "prompt", "Frage")
    wait_read(qtbot, wizard)
    choose(wizard, "response", "Antwort")
    wait_read(qtbot, wizard)
    choose(wizard, "prompt", "Antwort")  # it is no longer the response
    wait_read(qtbot, wizard)
    assert wizard.state.draft.columns == "prompt=Antwort"


def test_columns_of_two_tables_are_told(
    qtbot: QtBot, wizard: Wizard, table: Path, tmp_path
) -> None:
    (tmp_path / "u.csv").write_text("Titel,Text hier\nA,B\n")
    wizard._next.click()
    read(qtbot, wizard, table, tmp_path / "u.csv")
    choose(wizard, "prompt", "Titel")
    wait_read(qtbot, wizard)
    choose(wizard, "response", "Antwort")
    wait_read(qtbot, wizard)
    assert "No table has Titel and Antwort." in wizard.page._columns._about.text()
    assert not wizard._next.isEnabled()


def test_the_suggested_name_follows_the_files(
    qtbot: QtBot, wizard: Wizard, documents: Path, tmp_path
) -> None:
    (tmp_path / "club.txt").write_text("The club meets on Mondays in the hall beside the church.")
    wizard._next.click()
    read(qtbot, wizard, tmp_path / "club.txt")
    assert wizard.state.draft.name == "club"
    wizard.page._remove.click()
    read(qtbot, wizard, documents)
    assert wizard.state.draft.name == "meine-dateien"
    wizard.state.update(name="mine")
    wizard.page._remove.click()
    assert wizard.state.draft.name == "mine"


def test_marked_rows_follow_the_theme(qtbot: QtBot, wizard: Wizard, documents: Path) -> None:
    wizard._next.click()
    read(qtbot, wizard, documents)
    view = wizard.page._look
    before = view._texts.itemAt(1).widget()
    view.changeEvent(QEvent(QEvent.Type.PaletteChange))
    assert view._texts.itemAt(1).widget() is not before
