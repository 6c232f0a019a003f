"""Training: the list of runs, the wizard that plans one, the view of one, and the clean-up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget
from typing_extensions import override

from app.context import AppContext
from app.pages.training.cleanup import CleanUpPage
from app.pages.training.run_list import RunList
from app.wizard.wizard import Wizard
from app.workers.inventory import Inventory
from app.workers.jobs import Progress
from app.workers.run_lines import run_name
from core.control import Cancel
from core.errors import KnownError
from core.events import TrainingEvent
from core.history.training import SPEC_FILE, is_at_work
from core.model.adapter_info import export_adapter
from core.train.forecast import Forecast
from core.train.spec import TrainSpec, read_spec
from core.train.wishes import wants_loan

if TYPE_CHECKING:
    from app.pages.training.run_view import RunView


class TrainingPage(QWidget):
    """The door to trainings.

    Signals:
        chat_requested: Model and adapter to chat with, and the threshold advised for it or None.
        race_requested: Model, prompt, the adapter started from ("" for none), and the new one.
        status_message: A sentence for the status bar.
    """

    chat_requested = Signal(str, str, object)
    race_requested = Signal(str, str, str, str)
    status_message = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Training")
        self._context = context
        self._training = context.training
        self._shown: Path | None = None
        self._list = RunList()
        self._wizard = Wizard(context)
        self._cleanup = CleanUpPage(context)
        self._run: RunView | None = None
        self._pages = QStackedWidget()
        for page in (self._list, self._wizard, self._cleanup):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self._connect()

    def _connect(self) -> None:
        training = self._training
        training.listed.connect(self._list.show_runs)
        training.opened.connect(self._on_opened)
        training.grew.connect(self._on_grew)
        training.progressed.connect(self._list.show_progress)
        training.began.connect(self._on_began)
        training.ended.connect(self._on_ended)
        self._list.new_requested.connect(self.plan)
        self._list.open_requested.connect(self.open_run)
        self._list.resume_requested.connect(self._on_resume)
        self._list.drop_requested.connect(training.drop)
        self._list.clean_requested.connect(self._on_clean)
        self._wizard.start_requested.connect(self._on_start)
        self._wizard.left.connect(self._on_list)
        self._cleanup.left.connect(self._on_list)

    @property
    def run_view(self) -> RunView:
        """The view of one run; made when the first one is opened, as its charts take a while."""
        if self._run is None:
            from app.pages.training.run_view import RunView

            self._run = RunView()
            self._run.left.connect(self._on_list)
            self._run.paused.connect(self._on_pause)
            self._run.resumed.connect(self._on_go_on)
            self._run.restarted.connect(self._on_restart)
            self._run.dropped.connect(self._on_drop)
            self._run.stop_requested.connect(self._on_stop)
            self._run.force_requested.connect(self._on_force)
            self._run.chat_requested.connect(self._on_chat)
            self._run.race_requested.connect(self._on_race)
            self._run.export_requested.connect(self._on_export)
            self._run.failed.connect(self._context.jobs.failed)
            self._pages.addWidget(self._run)
        return self._run

    @Slot(object)
    def show_inventory(self, inventory: Inventory) -> None:
        """Take in what is on this machine now."""
        self._wizard.show_inventory(inventory)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._pages.currentWidget() is self._list:
            self._training.look_again()  # the command line may have begun one meanwhile

    # The list

    @Slot()
    def _on_list(self) -> None:
        self._shown = None
        self._training.look_again()
        self._pages.setCurrentWidget(self._list)

    @Slot()
    def plan(self) -> None:
        """Open the wizard that plans a training."""
        self._pages.setCurrentWidget(self._wizard)
        self._wizard.enter()

    @Slot(object)
    def open_run(self, folder: Path) -> None:
        """Open the page of a run."""
        self._shown = folder
        self._training.follow(folder)

    @Slot(object)
    def _on_resume(self, folder: Path) -> None:
        self._shown = folder
        self._training.resume(folder)

    @Slot()
    def _on_clean(self) -> None:
        self._pages.setCurrentWidget(self._cleanup)
        self._cleanup.enter()

    # The wizard

    @Slot(object, object, bool)
    def _on_start(self, spec: TrainSpec, forecast: Forecast | None, keep_chatting: bool) -> None:
        self._shown = self._training.plan(spec, forecast, keep_chatting)
        if self._shown is None:
            return
        self._wizard.begin_anew()
        self._training.resume(self._shown)

    # The run

    @Slot(object, list)
    def _on_opened(self, folder: Path, events: list[TrainingEvent]) -> None:
        if folder != self._shown:
            return
        self.run_view.show_run(folder, run_name(folder), events)
        self.run_view.set_at_work(is_at_work(folder))
        self._pages.setCurrentWidget(self.run_view)

    @Slot(list)
    def _on_grew(self, events: list[TrainingEvent]) -> None:
        self.run_view.grow(events)

    @Slot(object)
    def _on_began(self, folder: Path) -> None:
        if wants_loan(folder):
            self._context.loan.lend(folder)
        if folder == self._shown:
            self.run_view.set_at_work(True)

    @Slot(object)
    def _on_ended(self, folder: Path) -> None:
        if folder == self._shown:
            self.run_view.set_at_work(False)
        self._context.loan.take_back(folder)

    @Slot()
    def _on_pause(self) -> None:
        if self._shown is not None:
            self._training.pause(self._shown)

    @Slot()
    def _on_go_on(self) -> None:
        if self._shown is not None:
            self._training.go_on(self._shown)

    @Slot()
    def _on_restart(self) -> None:
        if self._shown is not None:
            self._on_resume(self._shown)

    @Slot()
    def _on_drop(self) -> None:
        if self._shown is not None:
            self._training.drop(self._shown)
            self._on_list()

    @Slot(bool)
    def _on_stop(self, keep_best: bool) -> None:
        if self._shown is not None:
            self._training.stop(self._shown, keep_best)

    @Slot()
    def _on_force(self) -> None:
        if self._shown is not None:
            self._training.force_stop(self._shown)

    @Slot(str, object)
    def _on_chat(self, adapter: str, threshold: float | None) -> None:
        if spec := self._shown_spec():
            self.chat_requested.emit(spec.model, adapter, threshold)

    @Slot(str, str)
    def _on_race(self, adapter: str, prompt: str) -> None:
        if spec := self._shown_spec():
            old = "" if spec.start_from == "none" else spec.start_from
            self.race_requested.emit(spec.model, prompt, old, adapter)

    @Slot(str, str)
    def _on_export(self, adapter: str, into: str) -> None:
        def copy(_cancel: Cancel, _progress: Progress) -> Path:
            return export_adapter(Path(adapter), Path(into))

        self._context.jobs.start(copy, self._on_exported)

    @Slot(object)
    def _on_exported(self, copy: Path) -> None:
        self.status_message.emit(f"Copied to {copy}")

    def _shown_spec(self) -> TrainSpec | None:
        if self._shown is None:
            return None
        try:
            return read_spec(self._shown / SPEC_FILE)
        except KnownError as error:
            self._context.jobs.failed.emit(error)
            return None
