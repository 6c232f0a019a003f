"""A strip over the page that says what went wrong and what to do about it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from typing_extensions import override

from app.assets import icon
from app.theme import data_colours, is_dark
from app.widgets.text import SPACE, body, button, muted
from core.errors import KnownError

Kind = Literal["error", "warning"]


class Banner(QFrame):
    """Shows one failure at a time until it is dismissed; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind: Kind = "error"
        self._picture = QLabel()
        self._sentence = body()
        self._next_step = muted()
        dismiss = button("Dismiss", role="quiet")
        dismiss.clicked.connect(self.hide)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self._sentence)
        texts.addWidget(self._next_step)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE, SPACE, SPACE)
        layout.setSpacing(3 * SPACE // 2)
        layout.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(texts, 1)
        layout.addWidget(dismiss, 0, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName("Message")
        self.hide()

    @Slot(object)
    def show_error(self, error: KnownError) -> None:
        """Show a failure that is the world's fault."""
        self._show("error", error.sentence, error.next_step)

    def show_warning(self, sentence: str) -> None:
        """Show something the user should know."""
        self._show("warning", sentence, "")

    @property
    def text(self) -> str:
        """What is shown now, empty if nothing is."""
        if self.isHidden():
            return ""
        return f"{self._sentence.text()} {self._next_step.text()}".strip()

    def _show(self, kind: Kind, sentence: str, next_step: str) -> None:
        self._kind = kind
        self._picture.setPixmap(icon(kind).pixmap(20, 20))
        self._sentence.setText(sentence)
        self._next_step.setText(next_step)
        self._next_step.setVisible(bool(next_step))
        self.setAccessibleDescription(f"{sentence} {next_step}".strip())
        self.show()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        colours = data_colours(is_dark(self.palette()))
        tint = QColor(colours.bad if self._kind == "error" else colours.warning)
        painter = QPainter(self)
        ground = QColor(tint)
        ground.setAlpha(34)
        painter.fillRect(self.rect(), ground)
        painter.fillRect(0, 0, 4, self.height(), tint)
