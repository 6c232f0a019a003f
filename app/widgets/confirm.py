"""Asks before something is deleted."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget


def confirm_delete(parent: QWidget, question: str) -> bool:
    """Whether the user wants it gone; Enter alone deletes nothing."""
    answer = QMessageBox.question(
        parent,
        "Delete",
        question,
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel,
        QMessageBox.StandardButton.Cancel,
    )
    return answer == QMessageBox.StandardButton.Yes
