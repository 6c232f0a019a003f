"""Python's collector of cycles, kept from other threads and from holding the window.

Left to itself it runs in whatever thread makes an object too many: there it may take apart
closed windows and dialogs, which Qt allows in their own thread only, and ends the program. And
now and then it looks through every object there is while no thread runs: some 400,000 once
torch and a model are loaded, which takes 0.2 s.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 1000
FULL_EVERY = 30
"""One look of so many goes through all objects that are not spared; the others, the new ones."""


class Collector(QObject):
    """Collects cycles in the window's thread alone, from now until `close`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looks = 0
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start()
        gc.disable()

    @Slot()
    def spare(self) -> None:
        """Look no longer through what is there now; nearly all of it stays until the end."""
        gc.freeze()

    @Slot()
    def look_through_all(self) -> None:
        """Look once through what was spared, too; holds the window for some 0.2 s."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def close(self) -> None:
        """Leave the collector as Python has it."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    @Slot()
    def _on_timeout(self) -> None:
        self._looks += 1
        gc.collect(1 if self._looks % FULL_EVERY else 2)
