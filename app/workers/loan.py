"""The chat model's memory, lent to work that needs it: trainings and races."""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import QObject, Signal

from app.workers.engine import EngineController


class MemoryLoan(QObject):
    """Has the chat model unloaded while anybody needs its memory, and loaded again afterwards.

    Signals:
        unload_requested: Somebody needs the memory.
        reload_requested: Nobody does any more, and the user has loaded nothing meanwhile.
    """

    unload_requested = Signal()
    reload_requested = Signal()

    def __init__(self, engine: EngineController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._borrowers: set[Hashable] = set()
        self._is_lent = False

    def lend(self, borrower: Hashable) -> bool:
        """Let somebody have the memory; whether it must first become free (see `unloaded`)."""
        self._borrowers.add(borrower)
        if self._engine.info is None:
            return False
        self._is_lent = True
        self.unload_requested.emit()
        return True

    def take_back(self, borrower: Hashable) -> None:
        """Somebody needs the memory no longer."""
        self._borrowers.discard(borrower)
        if self._borrowers or not self._is_lent:
            return
        self._is_lent = False
        if self._engine.info is None and not self._engine.is_loading:
            self.reload_requested.emit()

    def close(self) -> None:
        """Load nothing any more: the window goes away."""
        self._borrowers.clear()
        self._is_lent = False
