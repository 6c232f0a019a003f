"""The narrow strip on the left that leads from page to page."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.assets import icon
from app.widgets.text import SPACE

WIDTH = 98
ICON_SIZE = 22


class NavRail(QFrame):
    """One button to a page, icon over word.

    Signals:
        page_requested: Index of the page the user wants to see.
    """

    page_requested = Signal(int)

    def __init__(self, entries: tuple[tuple[str, str], ...], parent: QWidget | None = None) -> None:
        """Build the rail from pairs of icon name and word, from top to bottom."""
        super().__init__(parent)
        self.setProperty("role", "rail")
        self.setAccessibleName("Pages")
        self.setFixedWidth(WIDTH)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, 3 * SPACE // 2, SPACE, SPACE)
        layout.setSpacing(SPACE // 2)
        self._words = tuple(word for _, word in entries)
        for index, (icon_name, _) in enumerate(entries):
            entry = _entry(icon_name)
            self._group.addButton(entry, index)
            self.note(index, "")
            layout.addWidget(entry)
        layout.addStretch(1)
        self._group.idClicked.connect(self.page_requested)

    @Slot(int)
    def mark(self, index: int) -> None:
        """Show which page is open."""
        self._group.button(index).setChecked(True)

    def note(self, index: int, what: str) -> None:
        """Mark that something goes on at a page; "" takes the mark away."""
        word, entry = self._words[index], self._group.button(index)
        entry.setText(f"{word} •" if what else word)
        entry.setAccessibleName(f"{word}, {what}" if what else word)
        entry.setToolTip(f"{entry.accessibleName()} (Ctrl+{index + 1})")


def _entry(icon_name: str) -> QToolButton:
    result = QToolButton()
    result.setIcon(icon(icon_name))
    result.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
    result.setCheckable(True)
    result.setProperty("role", "nav")
    result.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    result.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
    result.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return result
