"""Cards of folders: where Stride keeps its files, and where it looks for models."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.widgets.card import Card
from app.widgets.text import SPACE, button, muted
from core.model.store import hub_cache
from core.paths import Paths


class PathButtons(QWidget):
    """Open and Copy for one path.

    Signals:
        remove_requested: The path should be taken off the list.
    """

    remove_requested = Signal(str)

    def __init__(self, path: Path, can_remove: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path = path
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE // 2)
        entries = [("Open", "folder", self._on_open), ("Copy", "copy", self._on_copy)]
        if can_remove:
            entries.append(("Remove", "trash", self._on_remove))
        for word, picture, slot in entries:
            one = button(word, picture, "quiet")
            one.setAccessibleName(f"{word} {path}")
            one.clicked.connect(slot)
            row.addWidget(one)

    @Slot()
    def _on_open(self) -> None:
        """Open the folder, or the nearest one above it that exists already."""
        there = next(one for one in (self._path, *self._path.parents) if one.is_dir())
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(there)))

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(str(self._path))

    @Slot()
    def _on_remove(self) -> None:
        self.remove_requested.emit(str(self._path))


class FoldersCard(Card):
    """Where everything lies."""

    def __init__(self, paths: Paths, parent: QWidget | None = None) -> None:
        hint = "All of it moves with the variable STRIDE_HOME."
        super().__init__("Folders", hint, parent)
        grid = _grid()
        rows = (
            ("Settings", paths.config),
            ("History, runs, adapters", paths.data),
            ("Models", paths.models),
            ("Hugging Face cache", hub_cache()),
            ("Logs", paths.logs),
            ("Cache", paths.cache),
        )
        for row, (name, path) in enumerate(rows):
            grid.addWidget(QLabel(name), row, 0)
            grid.addWidget(_path_label(path), row, 1)
            grid.addWidget(PathButtons(path, can_remove=False), row, 2)
        self.body.addLayout(grid)


class ModelFoldersCard(Card):
    """Further folders in which models are looked for.

    Signals:
        add_requested: A folder to add.
        remove_requested: A folder to take off the list.
    """

    add_requested = Signal(str)
    remove_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        hint = "Besides its own folder and the Hugging Face cache, Stride looks for models here."
        super().__init__("Model folders", hint, parent)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(SPACE // 2)
        self.body.addLayout(self._rows)
        add = button("Add a folder…", "plus")
        add.clicked.connect(self._on_add)
        row = QHBoxLayout()
        row.addWidget(add)
        row.addStretch(1)
        self.body.addLayout(row)

    def show_folders(self, folders: tuple[str, ...]) -> None:
        """List these folders."""
        while (item := self._rows.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for folder in folders:
            self._rows.addWidget(self._row(Path(folder)))
        if not folders:
            self._rows.addWidget(muted("No further folder yet."))

    def _row(self, path: Path) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(_path_label(path), 1)
        if not path.is_dir():
            row.addWidget(muted("not there now"))
        buttons = PathButtons(path, can_remove=True)
        buttons.remove_requested.connect(self.remove_requested)
        row.addWidget(buttons)
        return holder

    @Slot()
    def _on_add(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A folder with models")
        if folder:
            self.add_requested.emit(folder)


def _grid() -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(2 * SPACE)
    grid.setVerticalSpacing(SPACE // 2)
    grid.setColumnStretch(1, 1)
    return grid


def _path_label(path: Path) -> QLabel:
    label = muted(str(path))
    label.setToolTip(str(path))
    return label
