"""The frame: navigation, header, page stack, status bar, and the one block that connects them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.actions import build_menus
from app.context import AppContext
from app.errors import ErrorReporter, bug_dialog
from app.geometry import restore_geometry, save_geometry
from app.navigation import ENTRIES, HOME, SETTINGS, TRAINING, Navigation
from app.pages.home.page import HomePage
from app.theme import Theme
from app.widgets.about import about_dialog, shortcuts_dialog
from app.widgets.banner import Banner
from app.widgets.model_bar import ModelBar
from app.widgets.nav_rail import NavRail
from app.widgets.status_bar import StatusBar
from app.widgets.ways_dialog import ways_dialog
from app.workers.collector import Collector
from core.engine.request import SessionInfo
from core.settings import Settings

if TYPE_CHECKING:
    from app.pages.bench.page import BenchPage
    from app.pages.chat.page import ChatPage
    from app.pages.history.page import HistoryPage
    from app.pages.inspect.page import InspectPage
    from app.pages.race.page import RacePage
    from app.pages.settings.page import SettingsPage
    from app.pages.training.page import TrainingPage

CLOSE_SECONDS = 5.0
SAVE_SECONDS = 1.0
"""What saving gets even if the engine took all the time there was."""

SMALLEST_SIZE = (760, 520)


class MainWindow(QMainWindow):
    """The window; pages own their widgets, this only holds and connects them.

    It paints with Home alone, within a second; `start` then adds the other pages.

    Attributes:
        has_ended: Whether closing stopped everything in time.
    """

    def __init__(self, context: AppContext, errors: ErrorReporter, theme: Theme) -> None:
        super().__init__()
        self._context = context
        self._errors = errors
        self._theme = theme
        self._navigation = Navigation(self)
        self._bug: QMessageBox | None = None
        self._collector = Collector(self)
        self.has_ended = False
        self.setWindowTitle("Stride")
        self.setMinimumSize(*SMALLEST_SIZE)
        self.rail = NavRail(ENTRIES)
        self.model_bar = ModelBar(context)
        self.banner = Banner()
        self.home = HomePage(context)
        self.chat: ChatPage
        self.race: RacePage
        self.bench: BenchPage
        self.inspect: InspectPage
        self.training: TrainingPage
        self.history: HistoryPage
        self.settings: SettingsPage
        self.pages = QStackedWidget()
        self.status = StatusBar(context)
        self.actions_by_key = build_menus(self)
        self._build()
        restore_geometry(self, context.paths)
        self.show_page(HOME)
        self.pages.setFocus()  # else the first button wears a focus ring nobody asked for

    def _build(self) -> None:
        self.pages.addWidget(self.home)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.model_bar)
        right.addWidget(self.banner)
        right.addWidget(self.pages, 1)
        centre = QWidget()
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(right, 1)
        self.setCentralWidget(centre)
        self.setStatusBar(self.status)

    def _add_pages(self) -> None:
        # Imported here: together they take as long as all that the first painting needs.
        from app.pages.bench.page import BenchPage
        from app.pages.chat.page import ChatPage
        from app.pages.history.page import HistoryPage
        from app.pages.inspect.page import InspectPage
        from app.pages.race.page import RacePage
        from app.pages.settings.page import SettingsPage
        from app.pages.training.page import TrainingPage

        self.chat = ChatPage(self._context)
        self.race = RacePage(self._context)
        self.bench = BenchPage(self._context)
        self.inspect = InspectPage(self._context)
        self.training = TrainingPage(self._context)
        self.history = HistoryPage(self._context)
        self.settings = SettingsPage(self._context)
        pages = (
            *(self.chat, self.race, self.bench, self.inspect),
            *(self.training, self.history, self.settings),
        )
        for page in pages:
            self.pages.addWidget(page)

    def _connect(self) -> None:
        """Every connection between two parts of the window, by sender; those of the pages below."""
        self._connect_actions()
        self._connect_pages()
        context, navigation = self._context, self._navigation
        context.engine.failed.connect(self._errors.report)
        context.engine.finished.connect(context.history.changed)
        context.engine.loaded.connect(self._collector.spare)
        context.engine.loaded.connect(self._on_loaded)
        context.engine.unloaded.connect(self._collector.look_through_all)
        context.history.failed.connect(self._errors.report)
        context.history.opened.connect(self._collector.spare)
        context.history.opened.connect(self._on_history_opened)
        context.jobs.crashed.connect(self._errors.report)
        context.jobs.failed.connect(self._errors.report)
        context.loan.reload_requested.connect(self.model_bar.load)
        context.loan.unload_requested.connect(context.engine.unload)
        context.settings.changed.connect(self._on_settings_changed)
        context.settings.failed.connect(self._errors.report)
        context.training.began.connect(self._on_training)
        context.training.ended.connect(self._on_training)
        context.training.ended.connect(self.model_bar.refresh)
        context.training.failed.connect(self._errors.report)
        self._errors.bug.connect(self._on_bug)
        self._errors.known.connect(self.banner.show_error)
        self.model_bar.add_folder_requested.connect(navigation.add_folder)
        self.model_bar.inventory_changed.connect(navigation.load_wished_starter)
        self.model_bar.inventory_changed.connect(self.race.show_inventory)
        self.model_bar.inventory_changed.connect(self.settings.show_inventory)
        self.model_bar.inventory_changed.connect(self.training.show_inventory)
        self.rail.page_requested.connect(self.show_page)

    def _connect_pages(self) -> None:
        navigation = self._navigation
        self.bench.status_message.connect(self.status.show_message)
        self.bench.way_chosen.connect(navigation.use_way)
        self.chat.conversation.inspect_requested.connect(navigation.inspect)
        self.chat.load_requested.connect(navigation.home)
        self.chat.status_message.connect(self.status.show_message)
        self.history.chat_requested.connect(navigation.open_chat)
        self.history.run_view.inspect_requested.connect(navigation.inspect)
        self.history.run_view.training_requested.connect(navigation.open_training)
        self.history.status_message.connect(self.status.show_message)
        self.home.run_requested.connect(navigation.open_run)
        self.home.see_requested.connect(navigation.see)
        self.home.start_requested.connect(navigation.start_chatting)
        self.home.starter_fetched.connect(self.model_bar.refresh)
        self.home.teach_requested.connect(navigation.teach)
        self.home.training_requested.connect(navigation.open_training)
        self.inspect.status_message.connect(self.status.show_message)
        self.race.inspect_requested.connect(navigation.inspect)
        self.race.status_message.connect(self.status.show_message)
        self.settings.folders_changed.connect(self.model_bar.refresh)
        self.settings.status_message.connect(self.status.show_message)
        self.training.chat_requested.connect(navigation.chat_with)
        self.training.race_requested.connect(navigation.race)
        self.training.status_message.connect(self.status.show_message)

    def _connect_actions(self) -> None:
        actions, context, navigation = self.actions_by_key, self._context, self._navigation
        actions["about"].triggered.connect(self._on_about)
        actions["add_folder"].triggered.connect(navigation.add_folder)
        actions["load"].triggered.connect(self.model_bar.load)
        actions["new_chat"].triggered.connect(navigation.new_chat)
        actions["open_trace"].triggered.connect(navigation.open_trace)
        for number in range(len(ENTRIES)):
            actions[f"page_{number}"].setData(number)
            actions[f"page_{number}"].triggered.connect(navigation.page)
        actions["present"].triggered.connect(self.race.present)
        actions["quit"].triggered.connect(self.close)
        actions["regenerate"].triggered.connect(self.chat.regenerate)
        actions["search"].triggered.connect(navigation.search)
        actions["settings"].setData(SETTINGS)
        actions["settings"].triggered.connect(navigation.page)
        actions["ways"].triggered.connect(self._on_ways)
        actions["shortcuts"].triggered.connect(self._on_shortcuts)
        actions["stop"].triggered.connect(context.engine.cancel)
        actions["unload"].triggered.connect(context.engine.unload)

    def start(self) -> None:
        """Add the other pages and begin what takes time; called once the window is painted."""
        self._add_pages()
        self._connect()
        if self._context.settings.problem is not None:
            self._errors.report(self._context.settings.problem)
        self._context.history.open()
        self.model_bar.refresh()
        self.home.look()
        self._context.training.open()

    @Slot(int)
    def show_page(self, index: int) -> None:
        """Open a page."""
        self.pages.setCurrentIndex(index)
        self.rail.mark(index)

    @Slot()
    def _on_training(self) -> None:
        is_there = self._context.training.at_work is not None
        self.rail.note(TRAINING, "one is at work" if is_there else "")

    # Messages

    @Slot(object)
    def _on_settings_changed(self, settings: Settings) -> None:
        self._theme.apply(settings.theme)
        self.model_bar.show_settings()

    @Slot(object)
    def _on_loaded(self, info: SessionInfo) -> None:
        if info.notice:
            self.banner.show_warning(info.notice)

    @Slot()
    def _on_history_opened(self) -> None:
        store = self._context.history.store
        if store is not None and store.notice:
            self.banner.show_warning(store.notice)

    @Slot(object)
    def _on_bug(self, error: BaseException) -> None:
        if self._bug is not None and self._bug.isVisible():
            return  # one dialog is enough; the log has them all
        self._bug = bug_dialog(error, self)
        self._bug.open()

    @Slot()
    def _on_about(self) -> None:
        about_dialog(self).open()

    @Slot()
    def _on_ways(self) -> None:
        ways_dialog(self._context.engine.info, self).open()

    @Slot()
    def _on_shortcuts(self) -> None:
        shortcuts_dialog(self).open()

    # Closing

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop what runs, wait for it, keep what an interrupted answer had."""
        save_geometry(self, self._context.paths)
        self.hide()
        context = self._context
        deadline = time.monotonic() + CLOSE_SECONDS
        context.loan.close()
        context.jobs.cancel()  # a race holds the engine's thread
        context.training.close()
        has_engine_ended = context.engine.close(int(CLOSE_SECONDS * 1000))
        rest = max(deadline - time.monotonic(), SAVE_SECONDS)
        self.has_ended = context.jobs.close(rest) and has_engine_ended
        context.history.close()
        if self.has_ended:  # no other thread is left that it could run in
            self._collector.close()
        event.accept()
