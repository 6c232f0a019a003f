"""The turns of a conversation: what the user asked, what was answered."""

from __future__ import annotations

import time
from collections.abc import Iterable

from PySide6.QtCore import QMimeData, QPoint, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.theme import is_dark
from app.widgets.answer_figures import AnswerFigures
from app.widgets.answer_view import AnswerView
from app.widgets.pass_layer import ColourMode
from app.widgets.text import SPACE, body, button, tool
from app.widgets.what_if import WhatIf
from core.blocks_html import inline_blocks, load_palette
from core.events import GenerationEvent
from core.history.records import Turn

LINE_PIXELS = 26
CHARACTERS_A_LINE = 90
FIGURES_SECONDS = 0.5
"""How often the figures of a growing answer change: each time all around it is laid out anew."""


class UserTurn(QFrame):
    """What the user wrote; can be edited and sent anew.

    Signals:
        edited: The new text.
    """

    edited = Signal(str)

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("You")
        self._label = body(text)
        self._label.setAccessibleName("Your message")
        self._edit_button = tool("edit", "Edit and send again")
        self._edit_button.clicked.connect(self._on_edit)
        self._row = QHBoxLayout()
        self._row.addWidget(self._label, 1)
        self._row.addWidget(self._edit_button, 0, Qt.AlignmentFlag.AlignTop)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(2 * SPACE, SPACE, SPACE, SPACE)
        self._layout.addLayout(self._row)
        self._editor: QWidget | None = None

    @property
    def text(self) -> str:
        """What was written."""
        return self._label.text()

    @Slot()
    def _on_edit(self) -> None:
        if self._editor is not None:
            return
        self._label.hide()
        self._edit_button.hide()
        self._editor = QWidget()
        self._field = QPlainTextEdit(self._label.text())
        self._field.setAccessibleName("Edit your message")
        self._field.setFixedHeight(min(max(self._label.height() + 24, 64), 240))
        send = button("Send again", "send", "primary")
        send.clicked.connect(self._on_send)
        leave = button("Cancel", role="quiet")
        leave.clicked.connect(self._on_leave)
        layout = QVBoxLayout(self._editor)
        layout.setContentsMargins(0, 0, 0, 0)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(leave)
        buttons.addWidget(send)
        layout.addWidget(self._field)
        layout.addLayout(buttons)
        self._layout.addWidget(self._editor)
        self._field.setFocus()

    @Slot()
    def _on_send(self) -> None:
        text = self._field.toPlainText().strip()
        if text:
            self.edited.emit(text)

    @Slot()
    def _on_leave(self) -> None:
        if self._editor is not None:
            self._editor.deleteLater()
            self._editor = None
        self._label.show()
        self._edit_button.show()


class AnswerTurn(QWidget):
    """One answer with its figures and buttons; laid out only once it comes into sight.

    Attributes:
        turn: The turn as it is kept; its run leads to the recorded passes.
        view: The answer.

    Signals:
        inspect_requested: The user wants to see its passes one by one.
        regenerate_requested: The user wants another answer here.
        caret_moved: Where the keyboard's caret is, in this widget.
    """

    inspect_requested = Signal()
    regenerate_requested = Signal()
    caret_moved = Signal(QRectF)

    def __init__(self, turn: Turn, mode: ColourMode, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.turn = turn
        self.setAccessibleName("Answer")
        self.is_filled = False
        self._note = ""
        self._figures_due = 0.0
        self.view = AnswerView()
        self.view.set_colour_mode(mode)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._layout.addWidget(self.view)
        self._reserve_height()

    def fill(self, events: Iterable[GenerationEvent]) -> None:
        """Show the recorded passes, or the text alone where there are none."""
        self._build()
        known = tuple(events)
        if known:
            self.view.show_trace(known)
        else:
            self.view.show_text(self.turn.content)
        self._show_buttons(is_done=True)

    def fill_plain(self, _error: object) -> None:
        """Show the text alone: the record of its passes cannot be read."""
        self.fill(())

    def begin(self) -> None:
        """Be the answer that now grows."""
        self._build()
        self._show_buttons(is_done=False)

    def append(self, event: GenerationEvent) -> None:
        """Take in the next event."""
        self.view.append(event)

    def finish(self, note: str = "") -> None:
        """The answer is over; `note` says what went wrong, if anything did."""
        self._note = note
        self.view.settle()
        self._show_buttons(is_done=True)

    def set_colour_mode(self, mode: ColourMode) -> None:
        """Let the colours mean something else."""
        self.view.set_colour_mode(mode)

    @property
    def figures_text(self) -> str:
        """The line under the answer."""
        return self._figures.text

    def _build(self) -> None:
        """What stands under the answer; a long chat opens quickly without it."""
        self.is_filled = True
        self.setMinimumHeight(0)
        self._figures = AnswerFigures()
        self._what_if = WhatIf(self.view)
        self._buttons = self._make_buttons()
        for part in (self._figures, self._what_if, self._buttons):
            self._layout.addWidget(part)
        self.view.redrawn.connect(self._on_redrawn)
        self.view.caret_moved.connect(self._on_caret_moved)

    def _reserve_height(self) -> None:
        """About what the text will need, so that the scroll bar is about right."""
        content = self.turn.content
        lines = len(content) / CHARACTERS_A_LINE + content.count("\n")
        self.setMinimumHeight(int(lines * LINE_PIXELS) + 80)

    def _make_buttons(self) -> QWidget:
        buttons = QWidget()
        layout = QHBoxLayout(buttons)
        layout.setContentsMargins(4, 0, 0, SPACE)
        layout.setSpacing(2)
        self._inspect = tool("inspect", "Inspect pass by pass")
        for one, slot in (
            (tool("copy", "Copy as plain text"), self._on_copy),
            (tool("blocks", "Copy with blocks, as HTML"), self._on_copy_blocks),
            (self._inspect, self.inspect_requested),
            (tool("refresh", "Answer again"), self._on_regenerate),
        ):
            one.clicked.connect(slot)
            layout.addWidget(one)
        layout.addWidget(self._what_if.button)
        layout.addStretch(1)
        buttons.hide()
        return buttons

    def _show_buttons(self, *, is_done: bool) -> None:
        self._buttons.setVisible(is_done)
        self._inspect.setVisible(bool(self.view.passes))
        self._what_if.offer()
        self._show_figures()

    @Slot()
    def _on_redrawn(self) -> None:
        now = time.monotonic()
        if self.view.ended is not None or now >= self._figures_due:
            self._figures_due = now + FIGURES_SECONDS
            self._show_figures()

    def _show_figures(self) -> None:
        view = self.view
        self._figures.show_figures(view.started, view.passes, view.ended, self._note)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.view.text)

    @Slot()
    def _on_copy_blocks(self) -> None:
        palette = load_palette("dark" if is_dark(QGuiApplication.palette()) else "light")
        data = QMimeData()
        data.setHtml(inline_blocks(self.view.passes, palette))
        data.setText(self.view.text)
        QGuiApplication.clipboard().setMimeData(data)

    @Slot()
    def _on_regenerate(self) -> None:
        self.regenerate_requested.emit()

    @Slot(QRectF)
    def _on_caret_moved(self, rect: QRectF) -> None:
        corner = self.view.mapTo(self, QPoint(0, 0))
        self.caret_moved.emit(rect.translated(corner.x(), corner.y()))
