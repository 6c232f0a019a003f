"""A finished answer at another threshold: an estimate from its recorded confidences."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.widgets.answer_view import AnswerView
from app.widgets.text import SPACE, body
from app.widgets.threshold_slider import ThresholdSlider
from core.estimate import counted_from


class WhatIf(QFrame):
    """A slider that shows one answer's blocks as another threshold would have cut them."""

    def __init__(self, view: AnswerView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._view = view
        self._count_from_slot = counted_from(view.passes)
        self._slider = ThresholdSlider(view.passes[-1].threshold)
        self._slider.threshold_changed.connect(self._on_threshold)
        self._slider.setMaximumWidth(430)
        self._sentence = body(role="muted")
        self._sentence.setAccessibleName("Estimate")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._slider, 3)
        layout.addWidget(self._sentence, 2)
        self._on_threshold(self._slider.threshold)

    @Slot(float)
    def _on_threshold(self, threshold: float) -> None:
        self._view.set_estimate(threshold, self._count_from_slot)
        estimated, recorded = len(self._view.block_sizes), len(self._view.passes)
        self._sentence.setText(
            f"Estimate: at {threshold:g} about {estimated} passes instead of {recorded}. "
            "Real passes would begin elsewhere; answer again to know."
        )
