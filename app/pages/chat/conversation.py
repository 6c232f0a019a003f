"""The turns of one chat below each other; only what comes into sight is laid out."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget
from typing_extensions import override

from app.pages.chat.turns import AnswerTurn, UserTurn
from app.widgets.card import CONTENT_WIDTH
from app.widgets.pass_layer import ColourMode
from app.widgets.text import PAGE_MARGIN, SPACE
from core.evaluate.traces import Trace
from core.history.records import Turn

AHEAD = 600
"""Answers this many pixels beyond the window's edge are laid out already."""

LAYOUT_MS = 5
"""How soon to look again whether new turns have been laid out."""

BOTTOM = 60
"""Within so many pixels of the end the view follows a growing answer."""


class Conversation(QScrollArea):
    """A scrolling column of turns.

    Signals:
        fill_requested: An `AnswerTurn` came into sight and has no content yet.
        edited: Number of a user's turn and its new text.
        inspect_requested: The `Trace` of an answer, in a list, to be looked at pass by pass.
        regenerate_requested: Number of the answer's turn.
    """

    fill_requested = Signal(object)
    edited = Signal(int, str)
    inspect_requested = Signal(object)
    regenerate_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Conversation")
        self._turns: list[UserTurn | AnswerTurn] = []
        self._mode: ColourMode = "pass"
        self._follows = True
        self._fill_soon = QTimer(self)
        self._fill_soon.setSingleShot(True)
        self._fill_soon.timeout.connect(self._fill_visible)
        self._content = QWidget()
        centre = QHBoxLayout(self._content)
        centre.setContentsMargins(PAGE_MARGIN, 2 * SPACE, PAGE_MARGIN, 2 * SPACE)
        holder = QWidget()
        holder.setMaximumWidth(CONTENT_WIDTH)
        self._column = QVBoxLayout(holder)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE)
        self._column.addStretch(1)
        centre.addStretch(1)
        centre.addWidget(holder, 100)
        centre.addStretch(1)
        self.setWidget(self._content)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)

    @property
    def turns(self) -> tuple[UserTurn | AnswerTurn, ...]:
        """The turns' widgets, oldest first."""
        return tuple(self._turns)

    def show_turns(self, turns: tuple[Turn, ...]) -> None:
        """Show other turns, from their end."""
        self.cut(0)
        for turn in turns:
            self.add(turn)
        self.follow()
        self._fill_later()

    def cut(self, number: int) -> None:
        """Take away the turns from this number on."""
        for widget in self._turns[number:]:
            self._column.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        del self._turns[number:]

    def add(self, turn: Turn) -> UserTurn | AnswerTurn:
        """Add a turn at the end."""
        widget: UserTurn | AnswerTurn
        if turn.role == "user":
            widget = UserTurn(turn.content)
            widget.edited.connect(self._on_edited)
        else:
            widget = AnswerTurn(turn, self._mode)
            widget.inspect_requested.connect(self._on_inspect)
            widget.regenerate_requested.connect(self._on_regenerate)
            widget.caret_moved.connect(self._on_caret_moved)
        self._column.insertWidget(len(self._turns), widget)
        self._turns.append(widget)
        return widget

    def set_colour_mode(self, mode: ColourMode) -> None:
        """Let the colours mean something else."""
        self._mode = mode
        for turn in self._turns:
            if isinstance(turn, AnswerTurn):
                turn.set_colour_mode(mode)

    def follow(self) -> None:
        """Go to the end and stay there while it grows."""
        self._follows = True
        self._to_end()

    @Slot()
    def _fill_visible(self) -> None:
        """Ask for the content of answers that came into sight."""
        if not self._is_laid_out():
            self._fill_later()
            return
        top = self.verticalScrollBar().value() - AHEAD
        bottom = top + self.viewport().height() + 2 * AHEAD
        for turn in self._turns:
            if isinstance(turn, AnswerTurn) and not turn.is_filled:
                place = turn.mapTo(self._content, turn.rect().topLeft()).y()
                if place <= bottom and place + turn.height() >= top:
                    turn.is_filled = True
                    self.fill_requested.emit(turn)

    def _fill_later(self) -> None:
        if self.isVisible():
            self._fill_soon.start(LAYOUT_MS)

    def _is_laid_out(self) -> bool:
        """Whether new turns have their places; till then they are squeezed together."""
        return all(turn.isVisible() for turn in self._turns) and all(
            above.geometry().bottom() < below.y() for above, below in pairwise(self._turns)
        )

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fill_later()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill_later()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._fill_soon.stop()

    def _to_end(self) -> None:
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum())

    @Slot(int)
    def _on_scrolled(self, value: int) -> None:
        self._follows = value >= self.verticalScrollBar().maximum() - BOTTOM
        self._fill_later()

    @Slot()
    def _on_range_changed(self) -> None:
        if self._follows:
            self._to_end()
        self._fill_later()

    @Slot(str)
    def _on_edited(self, text: str) -> None:
        self.edited.emit(self._number_of_sender(), text)

    @Slot()
    def _on_inspect(self) -> None:
        number = self._number_of_sender()
        asked, answer = self._turns[number - 1], self._turns[number]
        assert isinstance(asked, UserTurn)
        assert isinstance(answer, AnswerTurn)
        self.inspect_requested.emit([Trace(asked.text, answer.view.events)])

    @Slot()
    def _on_regenerate(self) -> None:
        self.regenerate_requested.emit(self._number_of_sender())

    def _number_of_sender(self) -> int:
        sender = self.sender()
        return next(number for number, turn in enumerate(self._turns) if turn is sender)

    @Slot(QRectF)
    def _on_caret_moved(self, rect: QRectF) -> None:
        turn = self.sender()
        assert isinstance(turn, AnswerTurn)
        place = turn.mapTo(self._content, rect.center().toPoint())
        self.ensureVisible(place.x(), place.y(), 0, 60)
