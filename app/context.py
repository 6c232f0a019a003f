"""What every page needs, built once in `bootstrap` and passed down; nothing is global."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from app.workers.jobs import Jobs, Progress
from core.control import Cancel
from core.errors import KnownError
from core.paths import Paths
from core.settings import Settings, load_settings, save_settings

if TYPE_CHECKING:
    from app.workers.decoding import SessionFactory
    from app.workers.engine import EngineController
    from app.workers.loan import MemoryLoan
    from app.workers.training import TrainingController
    from core.history.store import HistoryStore


class SettingsHolder(QObject):
    """The settings in force; a change is written to disk at once.

    Signals:
        changed: The new `Settings`.
        failed: The `KnownError` that kept them from being read or written.
    """

    changed = Signal(object)
    failed = Signal(object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self.problem: KnownError | None = None
        try:
            self._value = load_settings(path)
        except KnownError as error:
            self._value, self.problem = Settings(), error

    @property
    def value(self) -> Settings:
        """The settings now in force."""
        return self._value

    def update(self, **changes: Any) -> None:
        """Put changed fields in force and save them; they hold even if saving fails."""
        new = dataclasses.replace(self._value, **changes)
        if new == self._value:
            return
        self._value = new
        self.changed.emit(new)
        try:
            save_settings(self._path, new)
        except KnownError as error:
            self.failed.emit(error)
        except OSError as error:
            self.failed.emit(
                KnownError(
                    f"The settings could not be saved: {error.strerror or error}.",
                    f"They hold until Stride is closed. Check the disk of {self._path.parent}.",
                )
            )


class History(QObject):
    """The history, opened in a pool thread; without it the app goes on.

    Attributes:
        store: None until opened, and for good if the database cannot be used.
        problem: Why it cannot be used.

    Signals:
        opened: `store` may be used from now on.
        failed: The `KnownError` that is now in `problem`.
        changed: A run or chat was added, changed or deleted.
    """

    opened = Signal()
    failed = Signal(object)
    changed = Signal()

    def __init__(self, paths: Paths, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._paths = paths
        self._jobs = jobs
        self.store: HistoryStore | None = None
        self.problem: KnownError | None = None

    def get_store(self) -> HistoryStore | None:
        """The store if it can be used; may be called from any thread."""
        return self.store

    def open(self) -> None:
        """Open (and where needed create or migrate) the database; the outcome is a signal."""
        self._jobs.start(self._open_store, self._on_opened, self._on_failed)

    def close(self) -> None:
        """Close the database; nothing is recorded afterwards."""
        if self.store is not None:
            self.store.close()
            self.store = None

    def _open_store(self, _cancel: Cancel, _progress: Progress) -> HistoryStore:
        from core.history.store import HistoryStore

        return HistoryStore(self._paths.database)

    @Slot(object)
    def _on_opened(self, store: HistoryStore) -> None:
        self.store = store
        self.problem = None
        self.opened.emit()

    @Slot(object)
    def _on_failed(self, error: KnownError) -> None:
        self.problem = error
        self.failed.emit(error)


@dataclass(frozen=True)
class AppContext:
    """What every page is built from.

    Attributes:
        paths: The user's folders.
        settings: The settings in force.
        history: The history, once it is open.
        engine: The only door to a loaded model.
        jobs: One-shot work off the window's thread.
        training: The only door to trainings.
        loan: Who has the chat model's memory.
        open_session: Opens a model beside that of `engine`; for its thread (`engine.do`) only.
    """

    paths: Paths
    settings: SettingsHolder
    history: History
    engine: EngineController
    jobs: Jobs
    training: TrainingController
    loan: MemoryLoan
    open_session: SessionFactory
