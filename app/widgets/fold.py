"""A part that opens and closes under its heading."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from app.assets import icon


class Fold(QWidget):
    """A heading that shows or hides one widget below it."""

    def __init__(self, name: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self._chosen = False
        self._heading = QToolButton()
        self._heading.setText(name)
        self._heading.setAccessibleName(name)
        self._heading.setCheckable(True)
        self._heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._heading.toggled.connect(self._on_toggled)
        self._heading.clicked.connect(self._on_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.setSpacing(2)
        layout.addWidget(self._heading, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(content)
        self._on_toggled(False)

    @property
    def is_open(self) -> bool:
        """Whether the content shows."""
        return self._heading.isChecked()

    def set_open(self, is_open: bool) -> None:
        """Show or hide the content."""
        self._heading.setChecked(is_open)

    def set_live(self, is_live: bool) -> None:
        """Open while the content grows, closed afterwards; the user's own choice stays."""
        if not self._chosen:
            self._heading.setChecked(is_live)

    @Slot(bool)
    def _on_toggled(self, is_open: bool) -> None:
        self._content.setVisible(is_open)
        self._heading.setIcon(icon("chevron-down" if is_open else "chevron-right"))

    @Slot()
    def _on_clicked(self) -> None:
        self._chosen = True
