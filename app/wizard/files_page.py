"""Second page: the documents, the report on them, and rows as the model will read them."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QMenu,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.widgets.card import Card
from app.widgets.text import SPACE, button, heading, muted
from app.wizard.columns import ColumnsForm, Confirmation
from app.wizard.look_view import LookView
from app.wizard.page import WizardPage
from app.wizard.state import NOT_READ, READING, WizardState
from core.train.samples import SAMPLE_DOMAINS

HINT = (
    "Text, Markdown, HTML, PDF, Word, Excel, CSV, JSON and Parquet files, folders and archives "
    "of them. They stay where they are; nothing leaves this machine."
)
LIST_HEIGHT = 92


class FilesPage(WizardPage):
    """Files are dropped or chosen; what was found in them is shown at once."""

    name = "Files"

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self._zone = DropZone()
        self._files = QListWidget()
        self._files.setAccessibleName("Chosen files")
        self._files.setFixedHeight(LIST_HEIGHT)
        self._remove = button("Remove", "trash", "quiet")
        self._secrets = QCheckBox("Leave out rows that seem to hold secrets or personal data")
        self._columns = ColumnsForm(state)
        self._look = LookView(Confirmation(state, of_rows=True))
        self._build()
        self._connect()
        self._show()

    def _build(self) -> None:
        card = Card("What shall it learn from?", HINT)
        card.body.addWidget(self._zone)
        row = QHBoxLayout()
        row.addWidget(self._files, 1)
        row.addWidget(self._remove, 0, Qt.AlignmentFlag.AlignTop)
        card.body.addLayout(row)
        card.body.addWidget(self._columns)
        card.body.addWidget(self._secrets)
        self.column.addWidget(card)
        self.column.addWidget(self._look)

    def _connect(self) -> None:
        self._zone.dropped.connect(self._on_added)
        self._remove.clicked.connect(self._on_remove)
        self._secrets.toggled.connect(self._on_secrets)
        self.state.changed.connect(self._show)
        self.state.reading.connect(self._look.show_reading)

    @property
    @override
    def missing(self) -> str:
        if not self.state.draft.data:
            return "Choose at least one file or folder."
        if self.state.is_reading:
            return READING
        if self.state.look is None and not self.state.unread:
            return NOT_READ
        return self.state.files_problem

    @Slot()
    def _show(self) -> None:
        draft = self.state.draft
        chosen = [self._files.item(row).text() for row in range(self._files.count())]
        if chosen != list(draft.data):
            self._files.clear()
            self._files.addItems(draft.data)
        for part in (self._files, self._remove):
            part.setVisible(bool(draft.data))
        self._secrets.setChecked(draft.leave_out_secrets)
        look = self.state.look
        if self.state.unread:
            self._look.show_problem(self.state.unread)
        elif look is not None:
            self._look.show_look(look)
        elif self.state.is_reading and self._look.is_empty:
            self._look.show_reading(0)
        elif not self.state.is_reading:
            self._look.clear()

    @Slot(tuple)
    def _on_added(self, paths: tuple[str, ...]) -> None:
        self.state.set_files(tuple(dict.fromkeys((*self.state.draft.data, *paths))))

    @Slot()
    def _on_remove(self) -> None:
        gone = {item.text() for item in self._files.selectedItems()}
        gone = gone or {self._files.item(self._files.count() - 1).text()}
        self.state.set_files(tuple(one for one in self.state.draft.data if one not in gone))

    @Slot(bool)
    def _on_secrets(self, leave_out: bool) -> None:
        if leave_out != self.state.draft.leave_out_secrets:
            self.state.update(leave_out_secrets=leave_out)
            self.state.read_files()


class DropZone(QFrame):
    """Takes dropped files and folders; two buttons do the same, a third has samples.

    Signals:
        dropped: Paths as a tuple of texts.
    """

    dropped = Signal(tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "drop")
        self.setAcceptDrops(True)
        self.setAccessibleName("Drop files here")
        files, folder = button("Choose files…", "plus"), button("Choose a folder…", "folder")
        sample = button("Use a sample", role="quiet")
        files.clicked.connect(self._on_files)
        folder.clicked.connect(self._on_folder)
        sample.setMenu(self._sample_menu())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(2 * SPACE,) * 4)
        layout.setSpacing(SPACE)
        for label in (heading("Drop files or folders here"), muted("or")):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(files)
        row.addWidget(folder)
        row.addWidget(sample)
        row.addStretch(1)
        layout.addLayout(row)

    def _sample_menu(self) -> QMenu:
        menu = QMenu(self)
        for domain in SAMPLE_DOMAINS:
            action = menu.addAction(domain.title)
            action.setData(str(domain.train))
            action.triggered.connect(self._on_sample)
        return menu

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        paths = local_paths(event.mimeData().urls())
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)

    @Slot()
    def _on_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Files to learn from")
        if files:
            self.dropped.emit(tuple(files))

    @Slot()
    def _on_sample(self) -> None:
        action = self.sender()
        assert isinstance(action, QAction)
        self.dropped.emit((action.data(),))

    @Slot()
    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A folder to learn from")
        if folder:
            self.dropped.emit((folder,))


def local_paths(urls: list[QUrl]) -> tuple[str, ...]:
    """The files among dropped addresses."""
    return tuple(url.toLocalFile() for url in urls if url.isLocalFile())
