from __future__ import annotations

import logging

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.errors import ErrorReporter, bug_dialog, details_of, start_logging
from core.errors import KnownError
from core.paths import Paths


def broken() -> None:
    raise ZeroDivisionError("a bug")


def caught() -> Exception:
    try:
        broken()
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_known_errors_and_bugs_go_different_ways(qtbot: QtBot) -> None:
    reporter = ErrorReporter()
    with qtbot.waitSignal(reporter.known), qtbot.assertNotEmitted(reporter.bug):
        reporter.report(KnownError("The disk is full."))
    with qtbot.waitSignal(reporter.bug), qtbot.assertNotEmitted(reporter.known):
        reporter.report(caught())


def test_details_hold_frames_versions_and_notes() -> None:
    error = caught()
    error.add_note("frames of the engine's thread")
    text = details_of(error)
    for part in ("in broken", "ZeroDivisionError: a bug", "frames of the engine", "Qt 6", "Python"):
        assert part in text


def test_copy_details_copies_and_leaves_the_dialog_open(qtbot: QtBot) -> None:
    box = bug_dialog(caught())
    qtbot.addWidget(box)
    box.open()
    copy = next(one for one in box.findChildren(QPushButton) if one.text() == "Copy details")
    copy.click()
    assert "in broken" in QGuiApplication.clipboard().text()
    assert box.isVisible()


def test_the_log_is_a_file_that_rotates(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    start_logging(paths.logs)
    added = [one for one in root.handlers if one not in before]
    try:
        logging.getLogger("stride").info("a line")
        assert "a line" in (paths.logs / "stride.log").read_text(encoding="utf-8")
    finally:
        for one in added:
            root.removeHandler(one)
            one.close()
        root.setLevel(level)
        logging.captureWarnings(False)
