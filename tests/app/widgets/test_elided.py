"""Names that are too long for their place."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.widgets.elided import ElidedLabel
from app.widgets.text import heading


def test_a_long_name_gives_way_and_is_still_known(qtbot: QtBot) -> None:
    label = ElidedLabel(heading("x" * 300))
    qtbot.addWidget(label)
    assert label.minimumSizeHint().width() == 0
    assert label.sizeHint().width() > 1000
    assert label.toolTip() == label.text() == "x" * 300
    label.resize(100, 30)
    assert not label.grab().isNull()
