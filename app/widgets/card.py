"""A framed group of widgets, and the scrolling page that holds such groups."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.widgets.text import PAGE_MARGIN, SPACE, heading, muted, pad_number

CONTENT_WIDTH = 840
"""Lines of text longer than this many pixels are hard to read."""

LABEL_WIDTH = 130


class Card(QFrame):
    """A rounded frame with an optional heading and hint.

    Attributes:
        body: The layout to add to.
    """

    def __init__(self, name: str = "", hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(*(5 * SPACE // 2,) * 4)
        self.body.setSpacing(3 * SPACE // 2)
        if name:
            self.setAccessibleName(name)
            self.body.addWidget(heading(name))
        if hint:
            self.body.addWidget(muted(hint))


class FormCard(Card):
    """A card whose rows are a word and a field."""

    def add_row(self, word: str, field: QWidget) -> None:
        """Add a field; the word is its buddy and its accessible name."""
        label = QLabel(word)
        label.setFixedWidth(LABEL_WIDTH)
        label.setBuddy(field)
        field.setAccessibleName(word)
        row = QHBoxLayout()
        row.setSpacing(2 * SPACE)
        row.addWidget(label)
        row.addWidget(field, 1)
        if field.maximumWidth() < CONTENT_WIDTH:
            row.addStretch(1)
        self.body.addLayout(row)

    def add_numbers(self, numbers: Mapping[str, QSpinBox | QDoubleSpinBox]) -> None:
        """Add number fields in one row; each word is written before its figure, and names it."""
        row = QHBoxLayout()
        for word, number in numbers.items():
            number.setAccessibleName(word)
            number.setPrefix(f"{word}: ")
            pad_number(number)
            row.addWidget(number)
        row.addStretch(1)
        self.body.addLayout(row)


class ScrollPage(QScrollArea):
    """A page whose centred column scrolls when the window is small.

    Attributes:
        column: The layout to add cards to.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget()
        content.setProperty("role", "page")
        centre = QHBoxLayout(content)
        centre.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        holder = QWidget()
        holder.setMaximumWidth(CONTENT_WIDTH)
        filled = QVBoxLayout(holder)
        filled.setContentsMargins(0, 0, 0, 0)
        self.column = QVBoxLayout()
        self.column.setSpacing(2 * SPACE)
        filled.addLayout(self.column)
        filled.addStretch(1)
        centre.addStretch(1)
        centre.addWidget(holder, 100)
        centre.addStretch(1)
        self.setWidget(content)
