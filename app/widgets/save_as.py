"""Where to save something, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from core.errors import KnownError

PICTURE = "Picture (*.png)"


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
    buttons = QMessageBox.StandardButton
    question = f"{out.name} is there already. Replace it?"
    answer = QMessageBox.question(parent, "Save", question, buttons.Yes | buttons.Cancel)
    return answer == buttons.Yes
