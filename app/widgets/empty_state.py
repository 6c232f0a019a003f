"""What a place shows while there is nothing in it: an icon, a sentence, perhaps a next step."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget
from typing_extensions import override

from app.assets import icon
from app.widgets.text import SPACE, button, heading, muted

ICON_SIZE = 40
TEXT_WIDTH = 420


class EmptyState(QWidget):
    """A centred note.

    Signals:
        action_requested: The button was pressed.
    """

    action_requested = Signal()

    def __init__(
        self, icon_name: str, name: str, hint: str, action: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._icon = icon(icon_name)
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._name = heading(name)
        self._hint = muted(hint)
        column = QWidget()
        column.setMaximumWidth(TEXT_WIDTH)
        layout = QVBoxLayout(column)
        layout.setSpacing(SPACE)
        layout.addStretch(1)
        layout.addWidget(self._picture)
        for label in (self._name, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        if action:
            next_step = button(action, role="primary")
            next_step.clicked.connect(self.action_requested)
            layout.addSpacing(SPACE)
            layout.addWidget(next_step, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(column, 100)
        outer.addStretch(1)
        self._draw_icon()

    def set_text(self, name: str, hint: str) -> None:
        """Say something else."""
        self._name.setText(name)
        self._hint.setText(hint)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icon()

    def _draw_icon(self) -> None:
        ratio = self.devicePixelRatioF()
        pixmap = self._icon.pixmap(QSize(ICON_SIZE, ICON_SIZE), ratio)
        self._picture.setPixmap(pixmap)
