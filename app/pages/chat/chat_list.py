"""The list of chats: new, open, search, rename, export, delete."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QFileDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.assets import icon
from app.pages.chat.chats import Chats
from app.widgets.confirm import confirm_delete
from app.widgets.text import SPACE, button

ROW_HEIGHT = 34
QUESTION = "Delete this chat? This cannot be undone. Its answers stay in the history."
CHAT_ID = Qt.ItemDataRole.UserRole


class ChatList(QWidget):
    """Chats by title, the one last used first.

    Signals:
        new_requested: The user wants an empty chat.
        opened: Id of the chat to show.
        deleted: Id of the chat that is gone.
    """

    new_requested = Signal()
    opened = Signal(str)
    deleted = Signal(str)

    def __init__(self, chats: Chats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chats = chats
        self._current = ""
        new = button("New chat", "plus")
        new.clicked.connect(self.new_requested)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search chats")
        self._search.setAccessibleName("Search chats")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._reload)
        self._list = QListWidget()
        self._list.setAccessibleName("Chats")
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.currentItemChanged.connect(self._on_current_changed)
        self._list.itemChanged.connect(self._on_item_changed)
        self._add_action("Rename", "edit", "F2", self._on_rename)
        self._add_action("Export as Markdown…", "export", "Ctrl+E", self._on_export)
        self._add_action("Delete", "trash", "Del", self._on_delete)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, 0, SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(new)
        layout.addWidget(self._search)
        layout.addWidget(self._list, 1)
        chats.changed.connect(self._reload)
        self._reload()

    def _add_action(self, name: str, picture: str, keys: str, slot: object) -> None:
        action = QAction(icon(picture), name, self._list)
        action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(slot)
        self._list.addAction(action)

    def set_current(self, chat_id: str) -> None:
        """Mark the chat that is shown."""
        self._current = chat_id
        with QSignalBlocker(self._list):
            for item in self._items():
                if item.data(CHAT_ID) == chat_id:
                    self._list.setCurrentItem(item)
                    return
            self._list.setCurrentRow(-1)

    def _items(self) -> list[QListWidgetItem]:
        return [self._list.item(row) for row in range(self._list.count())]

    @Slot()
    def _reload(self) -> None:
        with QSignalBlocker(self._list):
            self._list.clear()
            for chat in self._chats.list(self._search.text()):
                item = QListWidgetItem(chat.title)
                item.setData(CHAT_ID, chat.id)
                item.setToolTip(chat.title)
                item.setSizeHint(QSize(0, ROW_HEIGHT))
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                self._list.addItem(item)
        self.set_current(self._current)

    @Slot()
    def _on_current_changed(self) -> None:
        item = self._list.currentItem()
        if item is not None and item.data(CHAT_ID) != self._current:
            self._current = item.data(CHAT_ID)
            self.opened.emit(self._current)

    @Slot(QListWidgetItem)
    def _on_item_changed(self, item: QListWidgetItem) -> None:
        self._chats.rename(item.data(CHAT_ID), item.text())

    @Slot()
    def _on_rename(self) -> None:
        if self._list.currentItem() is not None:
            self._list.editItem(self._list.currentItem())

    @Slot()
    def _on_export(self) -> None:
        item = self._list.currentItem()
        if item is not None:
            name = re.sub(r"[^\w -]", "", item.text()).strip() or "chat"
            chosen, _kind = QFileDialog.getSaveFileName(
                self, "Export the chat", f"{name}.md", "Markdown (*.md)"
            )
            if chosen:
                out = Path(chosen)
                self._chats.export(item.data(CHAT_ID), out if out.suffix else Path(f"{out}.md"))

    @Slot()
    def _on_delete(self) -> None:
        item = self._list.currentItem()
        if item is not None:
            chat_id = item.data(CHAT_ID)  # an answer's end may fill the list anew meanwhile
            if confirm_delete(self, QUESTION):
                self._chats.delete(chat_id)
                self.deleted.emit(chat_id)
