"""What an empty chat shows: prompts to begin with."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.widgets.text import SPACE, button, heading, muted
from core.evaluate.prompts import demo_prompts

MOST = 5


class Suggestions(QWidget):
    """A greeting and a few prompts to press.

    Signals:
        chosen: Text of the prompt.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setSpacing(SPACE)
        layout.addStretch(1)
        for label in (
            heading("Ask something, and watch every pass"),
            muted("Each coloured block came out of one pass. Move the threshold while it flows."),
        ):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        layout.addSpacing(SPACE)
        for one in demo_prompts()[:MOST]:
            choice = self._choice(one.title, one.prompt)
            layout.addWidget(choice, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)

    def _choice(self, title: str, prompt: str) -> QPushButton:
        choice = button(title)
        choice.setToolTip(prompt)
        choice.setAccessibleDescription(prompt)
        choice.setMinimumWidth(280)
        choice.setProperty("prompt", prompt)
        choice.clicked.connect(self._on_chosen)
        return choice

    @Slot()
    def _on_chosen(self) -> None:
        sender = self.sender()
        assert sender is not None
        self.chosen.emit(str(sender.property("prompt")))
