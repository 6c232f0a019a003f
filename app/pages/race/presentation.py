"""A race for a room: full screen, large type, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.pages.race.stage import Stage
from app.widgets.text import PAGE_MARGIN, enlarge
from core.evaluate.race.lineup import Result

TYPE_SCALE = 2.0


class Presentation(QWidget):
    """Plays a race; Space plays it again, Escape or F11 leaves.

    Attributes:
        stage: What plays it.
    """

    def __init__(self, results: Sequence[Result], note: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Stride: race")
        self._results, self._note = results, note
        self.stage = Stage()
        self.stage.setContentsMargins(*(2 * PAGE_MARGIN,) * 4)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(self.stage)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
        self.setGeometry(self.screen().geometry())  # where nothing manages windows, too
        self._play()
        enlarge(self, TYPE_SCALE)  # its lanes are there now
        for keys, slot in (("Esc", self.close), ("F11", self.close), ("Space", self._play)):
            QShortcut(QKeySequence(keys), self).activated.connect(slot)

    @Slot()
    def _play(self) -> None:
        self.stage.play(self._results, self._note)
