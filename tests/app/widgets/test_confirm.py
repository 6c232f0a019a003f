"""Questions before something is gone."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.confirm import confirm_delete, confirm_replace


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_a_key_alone_does_nothing(qtbot: QtBot, key: Qt.Key) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)

    def press() -> None:
        box = parent.findChild(QMessageBox)
        assert box is not None
        qtbot.keyClick(box, key)

    QTimer.singleShot(0, press)
    assert not confirm_delete(parent, "Delete it?")


def test_the_button_says_what_it_does(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)

    def press() -> None:
        box = parent.findChild(QMessageBox)
        assert box is not None
        next(one for one in box.buttons() if one.text() == "Replace").click()

    QTimer.singleShot(0, press)
    assert confirm_replace(parent, "Replace it?")
