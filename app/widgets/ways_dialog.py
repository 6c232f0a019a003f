"""All ways of decoding in plain words, and which of them the loaded model offers."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QScrollArea, QVBoxLayout, QWidget

from app.widgets.about import plain_dialog
from app.widgets.text import SPACE, body, heading, muted
from core.engine.offers import OFFERS, Offer, why_not
from core.engine.request import SessionInfo

WIDTH, HEIGHT = 640, 620


def ways_dialog(info: SessionInfo | None, parent: QWidget | None = None) -> QDialog:
    """What each strategy does, and why the model does not offer it where it does not."""
    dialog, column = plain_dialog("Ways of decoding", parent)
    words = QWidget()
    layout = QVBoxLayout(words)
    layout.setContentsMargins(0, 0, SPACE, 0)
    layout.setSpacing(SPACE // 2)
    for offer in OFFERS:
        for part in (heading(offer.name), body(offer.words), muted(_state(offer, info))):
            layout.addWidget(part)
        layout.addSpacing(2 * SPACE)
    area = QScrollArea()
    area.setAccessibleName("Ways of decoding")
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidgetResizable(True)
    area.setWidget(words)
    column.insertWidget(0, area, 100)
    dialog.resize(WIDTH, HEIGHT)
    return dialog


def _state(offer: Offer, info: SessionInfo | None) -> str:
    if info is None:
        return "No model is loaded."
    reason = why_not(offer.strategy, info)
    return f"Not now: {reason}" if reason else f"{info.model} can do this now."
