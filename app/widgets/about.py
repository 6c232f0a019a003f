"""Help: what Stride is, under which licences it and its parts come, and the shortcuts."""

from __future__ import annotations

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.actions import shortcut_lines
from app.assets import app_pixmap
from app.widgets.text import SPACE, body, heading, muted
from core import __version__
from core.paths import resources

PARTS = (
    ("Qt and PySide6", "LGPL-3.0"),
    ("PyTorch", "BSD-3-Clause"),
    ("Transformers, Accelerate, safetensors, huggingface_hub", "Apache-2.0"),
    ("gguf, SQLAlchemy, Alembic, platformdirs, tomli-w, pyqtgraph", "MIT"),
    ("markdown-it-py, mdit-py-plugins", "MIT"),
    ("Pygments, psutil, nvidia-ml-py", "BSD"),
)

LGPL_NOTE = (
    "Stride uses Qt {version} under the GNU Lesser General Public License, version 3. Qt lies "
    "beside Stride as separate libraries inside the PySide6 package; you may replace them with "
    "your own build. Its source is at https://download.qt.io and the licence at "
    "https://www.gnu.org/licenses/lgpl-3.0.html."
)


def about_dialog(parent: QWidget | None = None) -> QDialog:
    """Version, licences, where Qt's source is."""
    dialog, column = plain_dialog("About Stride", parent)
    head = QHBoxLayout()
    logo = QLabel()
    logo.setPixmap(app_pixmap(56, dialog.devicePixelRatioF()))
    head.addWidget(logo, 0, Qt.AlignmentFlag.AlignTop)
    words = QVBoxLayout()
    words.addWidget(heading(f"Stride {__version__}"))
    words.addWidget(muted("Multi-token prediction made visible, on your own machine."))
    head.addLayout(words, 1)
    column.insertLayout(0, head)
    column.insertWidget(1, body(f"Licence: Apache-2.0, in the file {_licence_file()}."))
    column.insertWidget(2, body(LGPL_NOTE.format(version=qVersion())))
    column.insertLayout(3, _table(PARTS))
    column.insertWidget(4, muted("Models and adapters come under licences of their own."))
    return dialog


def shortcuts_dialog(parent: QWidget | None = None) -> QDialog:
    """Every shortcut."""
    dialog, column = plain_dialog("Keyboard shortcuts", parent)
    column.insertLayout(0, _table(tuple(shortcut_lines())))
    return dialog


def plain_dialog(name: str, parent: QWidget | None) -> tuple[QDialog, QVBoxLayout]:
    """A dialog to read in, and the column above its button."""
    dialog = QDialog(parent)
    dialog.setWindowTitle(name)
    dialog.setMinimumWidth(480)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(*(3 * SPACE,) * 4)
    column.setSpacing(2 * SPACE)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())  # black in the dark
    buttons.rejected.connect(dialog.reject)
    column.addStretch(1)
    column.addWidget(buttons)
    return dialog, column


def _table(rows: tuple[tuple[str, str], ...]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(3 * SPACE)
    grid.setVerticalSpacing(SPACE // 2)
    grid.setColumnStretch(0, 1)
    for row, (left, right) in enumerate(rows):
        grid.addWidget(body(left), row, 0)
        grid.addWidget(muted(right), row, 1)
    return grid


def _licence_file() -> str:
    path = resources().parent / "LICENSE"
    return str(path) if path.exists() else "LICENSE of the package"
