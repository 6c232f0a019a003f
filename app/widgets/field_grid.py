"""Fields with their labels beside them."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.widgets.text import SPACE


class FieldGrid(QGridLayout):
    """A row to a field; its label stands in the middle of the row's height."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHorizontalSpacing(2 * SPACE)
        self.setVerticalSpacing(SPACE)
        self.setColumnStretch(1, 1)

    def add_field(self, word: str, field: QWidget, tip: str = "") -> None:
        """Add a row; the label's mnemonic and the field's name for screen readers come with it."""
        label = QLabel(word)
        label.setBuddy(field)
        for one in (label, field):
            one.setToolTip(tip)
        field.setAccessibleName(word)
        row = self.rowCount()
        self.addWidget(label, row, 0)
        self.addWidget(field, row, 1)
