"""Where the user writes: grows with its text, Enter sends, Shift+Enter breaks the line."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QWidget
from typing_extensions import override

from app.assets import icon
from app.widgets.text import SPACE, button

MOST_LINES = 8


class Composer(QFrame):
    """The text to send and the button that sends it or stops the answer.

    Signals:
        send_requested: The text, not blank.
        stop_requested: The user wants the answer under way to stop.
    """

    send_requested = Signal(str)
    stop_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._is_answering = False
        self._is_ready = False
        self._edit = _GrowingEdit()
        self._edit.setAccessibleName("Message")
        self._edit.submitted.connect(self._on_submitted)
        self._edit.textChanged.connect(self._update_button)
        self._button = button("Send", "send", "primary")
        self._button.clicked.connect(self._on_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * SPACE // 2, SPACE, SPACE, SPACE)
        layout.addWidget(self._edit, 1)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignBottom)
        self.set_state(is_ready=False, is_answering=False)

    @property
    def text(self) -> str:
        """What is written so far."""
        return self._edit.toPlainText()

    def set_text(self, text: str) -> None:
        """Write this instead and put the caret behind it."""
        self._edit.setPlainText(text)
        self._edit.moveCursor(self._edit.textCursor().MoveOperation.End)
        self._edit.setFocus()

    def set_state(self, *, is_ready: bool, is_answering: bool) -> None:
        """Whether a message can be sent now, and whether an answer can be stopped."""
        self._is_ready, self._is_answering = is_ready, is_answering
        self._button.setText("Stop" if is_answering else "Send")
        self._button.setIcon(icon("stop" if is_answering else "send"))
        self._button.setAccessibleName("Stop answering" if is_answering else "Send message")
        hint = "Enter sends, Shift+Enter breaks the line."
        self._edit.setPlaceholderText(
            hint if is_ready or is_answering else "Load a model to send a message."
        )
        self._update_button()

    @Slot()
    def _update_button(self) -> None:
        self._button.setEnabled(self._is_answering or (self._is_ready and bool(self.text.strip())))

    @Slot()
    def _on_clicked(self) -> None:
        if self._is_answering:
            self.stop_requested.emit()
        else:
            self._on_submitted()

    @Slot()
    def _on_submitted(self) -> None:
        text = self.text.strip()
        if self._is_ready and not self._is_answering and text:
            self._edit.clear()
            self.send_requested.emit(text)


class _GrowingEdit(QPlainTextEdit):
    """Plain text, one to eight lines high.

    Signals:
        submitted: Enter was pressed.
    """

    submitted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "plain")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.submitted.emit()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _fit(self) -> None:
        # A plain text document measures its height in lines.
        lines = min(max(int(self.document().size().height()), 1), MOST_LINES)
        margins = 2 * int(self.document().documentMargin()) + 4
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + margins)
