"""Asks before something is gone."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget


def confirm_delete(parent: QWidget, question: str) -> bool:
    """Whether the user wants it gone; Enter alone deletes nothing."""
    return _confirm(parent, "Delete", question)


def confirm_replace(parent: QWidget, question: str) -> bool:
    """Whether the user wants a file replaced; Enter alone replaces nothing."""
    return _confirm(parent, "Replace", question)


def _confirm(parent: QWidget, deed: str, question: str) -> bool:
    box = QMessageBox(QMessageBox.Icon.Question, deed, question, parent=parent)
    do = box.addButton(deed, QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    return box.clickedButton() is do
