"""The chats: in memory, and in the history where there is one."""

from __future__ import annotations

import dataclasses
import time
import uuid
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.context import History
from app.workers.jobs import Jobs, Progress
from core.control import Cancel
from core.errors import KnownError
from core.history.records import ChatDetail, ChatRecord, Turn

NEW_CHAT = "New chat"
TITLE_LENGTH = 60


class Chats(QObject):
    """Every chat, the one last used first.

    Writing happens off the window's thread, one change after the other.

    Signals:
        changed: The list is a new one.
        exported: A sentence that says where a chat was written to.
        failed: The `KnownError` that kept a chat from being saved, read or exported.
    """

    changed = Signal()
    exported = Signal(str)
    failed = Signal(object)

    def __init__(self, history: History, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._jobs = jobs
        self._records: dict[str, ChatRecord] = {}
        self._opened: dict[str, ChatDetail] = {}
        self._unsaved: dict[str, ChatDetail | None] = {}
        self._is_saving = False
        history.opened.connect(self._on_history_opened)
        if history.store is not None:
            self._on_history_opened()

    def list(self, search: str = "") -> list[ChatRecord]:
        """Chats whose title holds `search`."""
        wanted = search.casefold()
        found = [one for one in self._records.values() if wanted in one.title.casefold()]
        return sorted(found, key=lambda one: one.updated_at, reverse=True)

    def new(self, system: str = "") -> ChatDetail:
        """An empty chat; it is listed and kept once it is saved."""
        now = time.time()
        return ChatDetail(
            id=uuid.uuid4().hex[:12], title=NEW_CHAT, created_at=now, updated_at=now, system=system
        )

    def get(self, chat_id: str) -> ChatDetail | None:
        """One chat with its turns; None (and `failed`) where it cannot be read."""
        if chat_id in self._opened:
            return self._opened[chat_id]
        if self._history.store is None:
            return None
        try:
            chat = self._history.store.get_chat(chat_id)
        except KnownError as error:
            self.failed.emit(error)
            return None
        self._opened[chat_id] = chat
        return chat

    def save(self, chat: ChatDetail) -> ChatDetail:
        """Keep a chat, with a title from its first turn; returns it as kept."""
        title = chat.title
        if title == NEW_CHAT and chat.turns:
            title = _title(chat.turns[0])
        chat = dataclasses.replace(chat, title=title, updated_at=time.time())
        self._keep(chat)
        return chat

    def rename(self, chat_id: str, title: str) -> None:
        """Give a chat another title; its place in the list stays."""
        chat = self.get(chat_id)
        if chat is not None and title.strip():
            self._keep(dataclasses.replace(chat, title=title.strip()))

    def delete(self, chat_id: str) -> None:
        """Forget a chat; its answers stay in the history."""
        self._records.pop(chat_id, None)
        self._opened.pop(chat_id, None)
        self._write(chat_id, None)
        self.changed.emit()

    def export(self, chat_id: str, out: Path) -> None:
        """Write a whole chat as Markdown."""
        chat = self.get(chat_id)
        if chat is None:
            return

        def work(_cancel: Cancel, _progress: Progress) -> str:
            from core.history.export import write_chat

            write_chat(chat, out)
            return f"Exported to {out}."

        self._jobs.start(work, self.exported.emit, self._on_failed)

    def _keep(self, chat: ChatDetail) -> None:
        self._opened[chat.id] = chat
        self._records[chat.id] = chat
        self._write(chat.id, chat)
        self.changed.emit()

    def _write(self, chat_id: str, chat: ChatDetail | None) -> None:
        self._unsaved[chat_id] = chat
        if self._history.store is not None and not self._is_saving:
            self._is_saving = True
            changes, self._unsaved = self._unsaved, {}
            self._jobs.start(
                lambda _cancel, _progress: self._write_all(changes),
                failed=self._on_failed,
                finished=self._on_written,
            )

    def _write_all(self, changes: dict[str, ChatDetail | None]) -> None:
        store = self._history.store
        if store is None:
            return
        for chat_id, chat in changes.items():
            if chat is None:
                store.delete_chat(chat_id)
            else:
                store.save_chat(chat)

    def _read(self, _cancel: Cancel, _progress: Progress) -> tuple[ChatRecord, ...]:
        return self._history.store.list_chats() if self._history.store else ()

    @Slot()
    def _on_history_opened(self) -> None:
        self._jobs.start(self._read, self._on_read, self._on_failed)

    @Slot(object)
    def _on_read(self, records: tuple[ChatRecord, ...]) -> None:
        self._records = {**{one.id: one for one in records}, **self._records}
        for chat_id in list(self._unsaved):
            self._write(chat_id, self._unsaved[chat_id])
        self.changed.emit()

    @Slot(object)
    def _on_failed(self, error: KnownError) -> None:
        self.failed.emit(error)

    @Slot()
    def _on_written(self) -> None:
        self._is_saving = False
        for chat_id in list(self._unsaved):
            self._write(chat_id, self._unsaved[chat_id])


def _title(turn: Turn) -> str:
    line = " ".join(turn.content.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"
