"""A finished answer at another threshold: an estimate from its recorded confidences."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.widgets.answer_view import AnswerView
from app.widgets.text import SPACE, body, button
from app.widgets.threshold_slider import ThresholdSlider
from core.estimate import CAVEAT, rule_of


class WhatIf(QFrame):
    """A slider that shows one answer's blocks as another threshold would have cut them.

    Attributes:
        button: Shows and hides it; for whoever lays out the answer to place.
    """

    def __init__(self, view: AnswerView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._view = view
        self.button = button("Other threshold", role="quiet")
        self.button.setToolTip("Show this answer's blocks at another threshold: estimate")
        self.button.setCheckable(True)
        self.button.toggled.connect(self._on_toggled)
        self._slider = ThresholdSlider()
        self._slider.threshold_changed.connect(self._on_threshold)
        self._slider.setMaximumWidth(430)
        self._sentence = body(role="muted")
        self._sentence.setAccessibleName("Estimate")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
        layout.addWidget(self._slider)
        layout.addWidget(self._sentence)
        self.hide()

    def offer(self) -> None:
        """Begin anew with the answer in view, if a threshold decided anything of it."""
        self.button.setChecked(False)
        self.button.setVisible(any(not one.is_exact for one in self._view.passes))

    @Slot(bool)
    def _on_toggled(self, is_on: bool) -> None:
        self.setVisible(is_on)
        if not is_on:
            self._view.set_estimate(None)
            return
        recorded = self._view.passes[-1].threshold
        with QSignalBlocker(self._slider):
            self._slider.set_threshold(recorded)
        self._on_threshold(recorded)

    @Slot(float)
    def _on_threshold(self, threshold: float) -> None:
        self._view.set_estimate(threshold, rule_of(self._view.passes))
        estimated, recorded = len(self._view.block_sizes), len(self._view.passes)
        self._sentence.setText(
            f"Estimate: at {threshold:g} about {estimated} passes instead of {recorded}. {CAVEAT}"
        )
