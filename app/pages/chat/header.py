"""What steers the next pass: threshold, k_max, length; and what the colours mean."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.pages.chat.legend import Legend
from app.widgets.fold import Fold
from app.widgets.pass_layer import COLOUR_MODES, ColourMode
from app.widgets.text import SPACE, muted, pad_number
from app.widgets.threshold_slider import ThresholdSlider
from core.engine.request import K_MAX_LIMIT, SessionInfo

MODE_NAMES = {
    "pass": "Colour by pass",
    "confidence": "Colour by confidence",
    "slot": "Colour by slot",
    "off": "No colours",
}
MOST_NEW_TOKENS = 32768


class ChatHeader(QFrame):
    """The controls above a conversation.

    Signals:
        colour_mode_changed: One of `COLOUR_MODES`.
        system_changed: The system prompt, once its editing is over.
    """

    colour_mode_changed = Signal(str)
    system_changed = Signal(str)

    def __init__(
        self, threshold: float, max_new_tokens: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        self.slider = ThresholdSlider(threshold)
        self.slider.setMinimumWidth(380)
        self.slider.setMaximumWidth(560)
        self._k_max = _spin("k_max", 1, K_MAX_LIMIT, "Most tokens kept of one pass.")
        self._k_max.setValue(8)
        self.max_new_tokens = _spin(
            "Most new tokens", 1, MOST_NEW_TOKENS, "An answer ends after so many tokens."
        )
        self.max_new_tokens.setValue(max_new_tokens)
        self._colours = QComboBox()
        self._colours.setAccessibleName("Meaning of the colours")
        for mode in COLOUR_MODES:
            self._colours.addItem(MODE_NAMES[mode], mode)
        self._colours.currentIndexChanged.connect(self._on_colours)
        self._legend = Legend()
        self._system = QPlainTextEdit()
        self._system.setAccessibleName("System prompt")
        self._system.setPlaceholderText("Instructions that hold for the whole chat")
        self._system.setFixedHeight(72)
        self._system.setTabChangesFocus(True)
        self._system.textChanged.connect(self._on_system)
        self._lay_out()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(2 * SPACE)
        row.addWidget(self.slider, 1)
        row.addLayout(_named("k_max", self._k_max))
        row.addLayout(_named("Length", self.max_new_tokens))
        row.addStretch(0)
        row.addWidget(self._colours)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE // 2)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(row)
        second = QHBoxLayout()
        second.addWidget(Fold("System prompt", self._system), 1)
        second.addWidget(self._legend)
        layout.addLayout(second)

    @property
    def k_max(self) -> int:
        """Most tokens kept of one pass."""
        return self._k_max.value()

    @property
    def system(self) -> str:
        """The system prompt."""
        return self._system.toPlainText().strip()

    def set_system(self, text: str) -> None:
        """Show a chat's system prompt."""
        if text != self.system:
            with QSignalBlocker(self._system):
                self._system.setPlainText(text)

    def set_colour_mode(self, mode: ColourMode) -> None:
        """Choose what the colours mean."""
        self._colours.setCurrentIndex(COLOUR_MODES.index(mode))

    @Slot(object)
    def show_session(self, info: SessionInfo) -> None:
        """Offer no more tokens a pass than the adapter was trained for."""
        self._k_max.setMaximum(info.k_max)
        self._k_max.setValue(info.k_max)
        self._k_max.setEnabled(info.k_max > 1)

    @Slot(int)
    def _on_colours(self, number: int) -> None:
        self._legend.set_mode(COLOUR_MODES[number])
        self.colour_mode_changed.emit(COLOUR_MODES[number])

    @Slot()
    def _on_system(self) -> None:
        self.system_changed.emit(self.system)


def _spin(name: str, low: int, high: int, hint: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    pad_number(spin)
    spin.setAccessibleName(name)
    spin.setToolTip(hint)
    return spin


def _named(name: str, field: QWidget) -> QHBoxLayout:
    label: QLabel = muted(name)
    label.setWordWrap(False)
    label.setBuddy(field)
    layout = QHBoxLayout()
    layout.setSpacing(SPACE // 2)
    layout.addWidget(label)
    layout.addWidget(field)
    return layout
