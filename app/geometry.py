"""Where the window stood last time."""

from __future__ import annotations

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QWidget

from core.paths import Paths

FIRST_SIZE = (1180, 780)


def restore_geometry(window: QWidget, paths: Paths) -> None:
    """Put a window where it stood last time."""
    saved = _file(paths).value("geometry")
    if saved is None or not window.restoreGeometry(saved):
        window.resize(*FIRST_SIZE)


def save_geometry(window: QWidget, paths: Paths) -> None:
    """Remember where a window stands."""
    _file(paths).setValue("geometry", window.saveGeometry())


def _file(paths: Paths) -> QSettings:
    return QSettings(str(paths.state / "window.ini"), QSettings.Format.IniFormat)
