"""The end of the header: whether the model fits and the button that loads it, or the progress."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.theme import data_colours, is_dark
from app.widgets.text import SPACE, button, muted
from app.widgets.units import size_text
from core.model.store import Fit

MARKS: dict[Fit, str] = {"fits": "✓", "tight": "!", "does not fit": "✕"}


class LoadPanel(QWidget):
    """Two faces in one place: what could be loaded, and how far the loading is.

    Signals:
        load_requested: The button was pressed.
        cancel_requested: The user does not want to wait any longer.
    """

    load_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fit_value: Fit | None = None
        self._fit = muted()
        self._fit.setWordWrap(False)
        self._fit.setTextFormat(Qt.TextFormat.RichText)
        self._load_button = button("Load", "power", "primary")
        self._load_button.setToolTip("Load this model (Ctrl+L)")
        self._load_button.clicked.connect(self.load_requested)
        self._phase = muted()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Loading progress")
        self._cancel_button = button("Cancel")
        self._cancel_button.clicked.connect(self.cancel_requested)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._build()

    def _build(self) -> None:
        idle, busy = QWidget(), QWidget()
        idle_row, busy_row = QHBoxLayout(idle), QHBoxLayout(busy)
        for row in (idle_row, busy_row):
            row.setContentsMargins(SPACE, 0, 0, 0)
        idle_row.addWidget(self._fit, 1)
        idle_row.addWidget(self._load_button)
        column = QVBoxLayout()
        column.setSpacing(3)
        column.addStretch(1)
        column.addWidget(self._phase)
        column.addWidget(self._bar)
        column.addStretch(1)
        busy_row.addLayout(column, 1)
        busy_row.addWidget(self._cancel_button)
        self._faces = QStackedLayout(self)
        self._faces.addWidget(idle)
        self._faces.addWidget(busy)

    def show_choice(self, fit: Fit | None, need_bytes: int) -> None:
        """Say whether the picked model fits; None says nothing."""
        self._fit_value = fit
        tip = f"Needs about {size_text(need_bytes)} of memory." if fit else ""
        self._fit.setToolTip(tip)
        self._fit.setAccessibleDescription(tip)
        self._draw_fit()

    def show_button(self, *, can_load: bool, is_loaded: bool) -> None:
        """Offer to load, unless there is nothing to load or it is loaded already."""
        self._load_button.setEnabled(can_load and not is_loaded)
        self._load_button.setText("Loaded" if is_loaded else "Load")

    def show_progress(self, phase: str, done: int, total: int) -> None:
        """Say how far a loading is."""
        self._phase.setText(phase)
        # The first steps take longest and have no inner progress: a moving bar is more honest
        # than one that stands at nought.
        self._bar.setRange(0, total if done else 0)
        self._bar.setValue(done)
        self._faces.setCurrentIndex(1)

    def show_idle(self) -> None:
        """No loading is under way any more."""
        self._faces.setCurrentIndex(0)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_fit()

    def _draw_fit(self) -> None:
        if self._fit_value is None:
            self._fit.setText("")
            return
        colours = data_colours(is_dark(self.palette()))
        known = {"fits": colours.good, "tight": colours.warning}
        colour = known.get(self._fit_value, colours.bad)
        words = f"{MARKS[self._fit_value]} {self._fit_value}"
        self._fit.setText(f'<span style="color:{colour}">{words}</span>')
