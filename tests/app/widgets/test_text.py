"""Buttons that say something else later."""

from __future__ import annotations

from PySide6.QtGui import QAccessible
from pytestqt.qtbot import QtBot

from app.widgets.text import button


def test_a_button_that_says_something_else_is_read_out_so(qtbot: QtBot) -> None:
    pause = button("&Pause")
    qtbot.addWidget(pause)
    pause.setText("Go on")
    told = QAccessible.queryAccessibleInterface(pause)
    assert told.text(QAccessible.Text.Name) == "Go on"
