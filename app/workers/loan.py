"""The chat model's memory, lent to work that needs it: trainings and races."""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import QObject, Signal, Slot

from app.workers.engine import EngineController


class MemoryLoan(QObject):
    """Has the chat model unloaded while anybody needs its memory, and loaded again afterwards.

    Signals:
        unload_requested: Somebody needs the memory.
        reload_requested: Nobody does any more, and the user has loaded nothing meanwhile.
        borrowers_changed: Others need the memory than before.
    """

    unload_requested = Signal()
    reload_requested = Signal()
    borrowers_changed = Signal()

    def __init__(self, engine: EngineController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._borrowers: set[Hashable] = set()
        self._is_lent = False
        self._is_unloading = False
        engine.unloaded.connect(self._on_unloaded)

    @property
    def is_lent(self) -> bool:
        """Whether a chat model is away for somebody, and will come back."""
        return self._is_lent

    @property
    def borrowers(self) -> frozenset[Hashable]:
        """Who needs the memory now."""
        return frozenset(self._borrowers)

    def lend(self, borrower: Hashable) -> bool:
        """Let somebody have the memory; whether it must first become free (see `unloaded`)."""
        self._borrowers.add(borrower)
        self.borrowers_changed.emit()
        if self._engine.info is not None or self._engine.is_loading:
            self._is_lent = self._is_unloading = True
            self.unload_requested.emit()
        return self._is_unloading

    def take_back(self, borrower: Hashable) -> None:
        """Somebody needs the memory no longer."""
        self._borrowers.discard(borrower)
        self.borrowers_changed.emit()
        if not self._is_unloading:
            self._return()

    def close(self) -> None:
        """Load nothing any more: the window goes away."""
        self._borrowers.clear()
        self._is_lent = False

    def _return(self) -> None:
        if self._borrowers or not self._is_lent:
            return
        self._is_lent = False
        if self._engine.info is None and not self._engine.is_loading:
            self.reload_requested.emit()

    @Slot()
    def _on_unloaded(self) -> None:
        self._is_unloading = False
        self._return()
