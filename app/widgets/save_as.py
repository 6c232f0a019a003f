"""Where to save what came out, and as what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from app.widgets.confirm import confirm_replace
from app.widgets.text import dress
from core.errors import KnownError

KINDS = ("Result card (*.html)", "Table (*.csv)", "All of it (*.json)", "Picture (*.png)")
"""Of files, as their dialog names them."""


class SaveButton(QPushButton):
    """Asks for a file, and writes what is shown into it.

    Args:
        what: What is saved: "race".
        picture: The widget that a picture shows.
        write: Writes any other kind, by the file's ending; may raise a `KnownError`.

    Signals:
        failed: The `KnownError` that kept it from being saved.
        saved: A sentence for the status bar.
    """

    failed = Signal(object)
    saved = Signal(str)

    def __init__(self, what: str, picture: QWidget, write: Callable[[Path], None]) -> None:
        super().__init__()
        dress(self, "Save…", "export")
        self._what, self._picture, self._write = what, picture, write
        self.clicked.connect(self._on_clicked)

    @Slot()
    def _on_clicked(self) -> None:
        out = ask_file(self, f"Save the {self._what}", f"{self._what}.html", KINDS)
        if out is not None:
            self.save(out)

    def save(self, out: Path) -> None:
        """Write a file of the kind that its ending says."""
        try:
            if out.suffix == ".png":
                save_picture(self._picture, out)
            else:
                self._write(out)
        except KnownError as error:
            self.failed.emit(error)
        else:
            self.saved.emit(f"Saved as {out}")


def ask_file(parent: QWidget, title: str, name: str, kinds: Sequence[str]) -> Path | None:
    """The file to write, None for none; its ending is that of the chosen kind.

    Where the ending names another file than the user did, and that one exists, it is asked again.

    Args:
        parent: Of the dialog.
        title: Of the dialog.
        name: What the file is called by default.
        kinds: Filters of the dialog, each with one ending: "Table (*.csv)".
    """
    text, kind = QFileDialog.getSaveFileName(parent, title, name, ";;".join(kinds))
    if not text:
        return None
    out = Path(text).with_suffix(kind.rpartition("*")[2].rstrip(")"))
    if out == Path(text) or not out.exists() or _may_replace(parent, out):
        return out
    return None


def save_picture(widget: QWidget, out: Path) -> None:
    """Save what a widget shows.

    Raises:
        KnownError: if it cannot be written.
    """
    if not widget.grab().save(str(out)):
        raise KnownError(f"{out} cannot be written.", "Choose another place.")


def _may_replace(parent: QWidget, out: Path) -> bool:
    return confirm_replace(parent, f"{out.name} is there already. Replace it?")
