"""Builds the application: everything is made here once and passed down."""

from __future__ import annotations

import logging
import os
import signal
from dataclasses import dataclass
from types import FrameType

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.assets import app_icon
from app.context import AppContext, History, SettingsHolder
from app.errors import ErrorReporter, start_logging
from app.main_window import MainWindow
from app.theme import Theme
from app.workers.decoding import SessionFactory, session_factory
from app.workers.engine import EngineController
from app.workers.jobs import Jobs
from app.workers.loan import MemoryLoan
from app.workers.training import TrainingController
from core import __version__
from core.paths import Paths, user_paths

APP_ID = "io.github.stride_mtp.Stride"


@dataclass
class Application:
    """What must live as long as the window."""

    context: AppContext
    errors: ErrorReporter
    theme: Theme
    window: MainWindow


def make_qt_application(arguments: list[str]) -> QApplication:
    """The Qt application with its identity; one window to a process."""
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    QGuiApplication.setDesktopFileName(APP_ID)
    app = QApplication(arguments)
    app.setApplicationName("Stride")
    app.setApplicationVersion(__version__)
    app.setWindowIcon(app_icon())
    return app


def build(
    app: QApplication, paths: Paths, open_session: SessionFactory | None = None
) -> Application:
    """Make the parts and connect them; nothing heavy is imported.

    Args:
        app: The Qt application.
        paths: The user's folders.
        open_session: Opens models; None opens real ones.
    """
    settings = SettingsHolder(paths.settings_file, app)
    jobs = Jobs(app)
    history = History(paths, jobs, app)
    open_session = open_session or session_factory(paths, settings)
    engine = EngineController(open_session, history.get_store, app)
    training = TrainingController(paths, jobs, history, app)
    context = AppContext(
        paths, settings, history, engine, jobs, training, MemoryLoan(engine, app), open_session
    )
    errors = ErrorReporter(app)
    theme = Theme(app)
    theme.apply(settings.value.theme)
    window = MainWindow(context, errors, theme)
    return Application(context, errors, theme, window)


def close_on_signals(window: MainWindow) -> None:
    """Let Ctrl+C in the terminal, or a session's end, close the window as its button does.

    Python runs a handler between two steps of Python code; the timers of the window see to it
    that there is one within two seconds.
    """

    def close(_number: int, _frame: FrameType | None) -> None:
        window.close()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, close)


def run(arguments: list[str]) -> int:
    """Show the window and stay until it is closed; the exit code."""
    paths = user_paths()
    start_logging(paths.logs)
    app = make_qt_application(arguments)
    stride = build(app, paths)
    stride.errors.install(paths.logs)
    close_on_signals(stride.window)
    stride.window.show()
    # A timer of 0 ms fires once the event loop has nothing left to paint.
    QTimer.singleShot(0, stride.window.start)
    code = app.exec()
    if not stride.window.has_ended:
        # A load deep inside torch cannot be interrupted. Everything is saved by now; leaving
        # the hard way is better than Qt's abort over a thread that still runs.
        logging.shutdown()
        os._exit(code)
    return code
