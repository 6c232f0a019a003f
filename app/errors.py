"""How failures reach the user: a dialog with "Copy details" for bugs, a log for everything.

What is the world's fault (`KnownError`) goes to the banner of the main window instead.
"""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import platform
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

import PySide6
from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    QtMsgType,
    Signal,
    Slot,
    qInstallMessageHandler,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from core import __version__
from core.errors import KnownError

LOG = logging.getLogger("stride")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def start_logging(folder: Path) -> None:
    """Log to a rotating file; a disk that takes no log does not keep the window from opening."""
    logging.captureWarnings(True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            folder / "stride.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8"
        )
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def details_of(error: BaseException) -> str:
    """Everything a bug report needs; notes carry the frames of another thread."""
    versions = (
        f"Stride {__version__}, Python {platform.python_version()}, Qt {PySide6.__version__}, "
        f"{platform.platform()}"
    )
    return versions + "\n\n" + "".join(traceback.format_exception(error))


def without_frames(error: Exception) -> Exception:
    """The failure with its frames as a note only: they may hold gigabytes of weights.

    The frame that caught it is often one of them: a cycle, which would wait for its collection.
    """
    error.add_note("".join(traceback.format_exception(error)))
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class ErrorReporter(QObject):
    """Brings failures of any thread to the window.

    Signals:
        known: A `KnownError` to show in the banner.
        bug: Anything else, to show in a dialog.
    """

    known = Signal(object)
    bug = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._faults: object | None = None

    def install(self, log_folder: Path) -> None:
        """Catch what nobody else catches, in this thread, others, and Qt."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        qInstallMessageHandler(_log_qt_message)
        try:
            faults = (log_folder / "crash.log").open("a", encoding="utf-8")
        except OSError:
            return
        self._faults = faults  # faulthandler writes to its number: it must stay open
        faulthandler.enable(faults)

    @Slot(object)
    def report(self, error: BaseException) -> None:
        """Show a failure in the way that fits it; may be called from any thread."""
        if isinstance(error, KnownError):
            LOG.info("shown to the user: %s", error)
            self.known.emit(error)
            return
        LOG.error("a bug", exc_info=error)
        self.bug.emit(error)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        self.report(error.with_traceback(trace))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self.report(args.exc_value)


def bug_dialog(error: BaseException, parent: QWidget | None = None) -> QMessageBox:
    """The dialog for a bug: what happened, and a button that copies all a report needs."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Critical)
    box.setWindowTitle("Something went wrong in Stride")
    box.setText("This is a bug in Stride. Your chats and runs are kept.")
    box.setInformativeText(f"{type(error).__name__}: {error}")
    box.setDetailedText(details_of(error))
    copy = box.addButton("Copy details", QMessageBox.ButtonRole.ActionRole)
    copy.clicked.disconnect()  # copying leaves the dialog open
    copy.clicked.connect(_Copier(details_of(error), box).copy)
    box.addButton(QMessageBox.StandardButton.Close)
    return box


class _Copier(QObject):
    """Puts one text on the clipboard."""

    def __init__(self, text: str, parent: QObject) -> None:
        super().__init__(parent)
        self._text = text

    @Slot()
    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)


def _log_qt_message(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    logging.getLogger("qt").log(_LEVELS.get(kind, logging.INFO), "%s", message)
