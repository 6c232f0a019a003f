"""The pages of the window, and where one of them sends the user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog

from core.model.starter import NAME as STARTER_NAME

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from core.engine.request import Strategy
from core.evaluate.traces import Trace

HOME, CHAT, RACE, BENCH, INSPECT, TRAINING, HISTORY, SETTINGS = range(8)
ENTRIES = (
    ("home", "Home"),
    ("chat", "Chat"),
    ("race", "Race"),
    ("bench", "Benchmark"),
    ("inspect", "Inspector"),
    ("train", "Training"),
    ("history", "History"),
    ("settings", "Settings"),
)


class Navigation(QObject):
    """Follows what pages and menus ask for, from page to page."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._wants_starter = False

    @Slot()
    def start_chatting(self) -> None:
        """Go to the chat with the starter, loaded if need be."""
        self._window.show_page(CHAT)
        if self._window.model_bar.is_loaded(STARTER_NAME):
            return
        self._wants_starter = True
        self._window.model_bar.refresh()

    @Slot(object)
    def load_wished_starter(self, _inventory: object) -> None:
        """Load the starter, if it was asked for, once it is known where it is."""
        if self._wants_starter:
            self._wants_starter = False
            self._window.model_bar.pick(STARTER_NAME)
            self._window.model_bar.load()

    @Slot()
    def new_chat(self) -> None:
        """Begin another chat."""
        self._window.show_page(CHAT)
        self._window.chat.new_chat()

    @Slot(str)
    def open_chat(self, chat_id: str) -> None:
        """Go on with an earlier chat."""
        self._window.show_page(CHAT)
        self._window.chat.open_chat(chat_id)

    @Slot(str)
    def open_run(self, run_id: str) -> None:
        """Show a run in the history."""
        self._window.show_page(HISTORY)
        self._window.history.open_run(run_id)

    @Slot(str, str, object)
    def chat_with(self, model: str, adapter: str, threshold: float | None) -> None:
        """Load a model with an adapter and chat with it, at the threshold if there is one."""
        self._window.show_page(CHAT)
        if threshold is not None:
            self._window.chat.header.use_threshold(threshold)
        self._window.model_bar.load_with(model, adapter)

    @Slot()
    def teach(self) -> None:
        """Plan a training."""
        self._window.show_page(TRAINING)
        self._window.training.plan()

    @Slot(object)
    def open_training(self, folder: Path) -> None:
        """Show the page of a training."""
        self._window.show_page(TRAINING)
        self._window.training.open_run(folder)

    @Slot()
    def search(self) -> None:
        """Search the history."""
        self._window.show_page(HISTORY)
        self._window.history.focus_search()

    @Slot()
    def add_folder(self) -> None:
        """Ask for a folder with models."""
        folder = QFileDialog.getExistingDirectory(self._window, "A folder with models")
        if folder:
            self._window.settings.add_model_folder(folder)

    @Slot(str, str, str, str)
    def race(self, model: str, prompt: str, old: str, new: str) -> None:
        """Set up a race of two adapters; see `RacePage.offer`."""
        self._window.show_page(RACE)
        self._window.race.offer(model, prompt, old, new)

    @Slot(object)
    def inspect(self, traces: Sequence[Trace]) -> None:
        """Look at recorded answers pass by pass."""
        self._window.show_page(INSPECT)
        self._window.inspect.show_traces(traces)

    @Slot()
    def open_trace(self) -> None:
        """Ask for a file with recorded answers to look at."""
        self._window.show_page(INSPECT)
        self._window.inspect.open_file()

    @Slot(str, float, int)
    def use_way(self, strategy: Strategy, threshold: float, k_max: int) -> None:
        """Go on chatting with another strategy, threshold and k_max."""
        self._window.show_page(CHAT)
        self._window.chat.header.use(strategy, threshold, k_max)

    @Slot()
    def see(self) -> None:
        """Play the recorded race."""
        self._window.show_page(RACE)
        self._window.race.play_shipped()

    @Slot()
    def page(self) -> None:
        """Open the page whose number the action carries."""
        action = self.sender()
        assert isinstance(action, QAction)
        self._window.show_page(action.data())

    @Slot()
    def home(self) -> None:
        """Open Home."""
        self._window.show_page(HOME)
