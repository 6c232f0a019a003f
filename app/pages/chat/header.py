"""What steers the next pass: threshold, k_max, length; and what the colours mean."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.widgets.fold import Fold
from app.widgets.legend import ColourBox, Legend
from app.widgets.proposals_box import ProposalsBox, proposer_of
from app.widgets.text import SPACE, muted, pad_number
from app.widgets.threshold_slider import ThresholdSlider
from core.engine.request import K_MAX_LIMIT, SessionInfo, Strategy

MOST_NEW_TOKENS = 32768
NO_THRESHOLD = "Text that is looked up has no confidence; all of it is checked."
NARROW = 800
"""Below this width the slider has a line of its own."""


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
        self.slider = ThresholdSlider(threshold, offers_exact=True)
        self.slider.setMaximumWidth(600)
        self.proposals = ProposalsBox()
        self._k_max = _spin("k_max", 1, K_MAX_LIMIT, "Most slots that mask rows propose a pass.")
        self._k_max.setValue(8)
        self.max_new_tokens = _spin(
            "Most new tokens", 1, MOST_NEW_TOKENS, "An answer ends after so many tokens."
        )
        self.max_new_tokens.setValue(max_new_tokens)
        self._colours = ColourBox()
        self._legend = Legend()
        self._colours.mode_changed.connect(self._legend.set_mode)
        self._colours.mode_changed.connect(self.colour_mode_changed)
        self.proposals.changed.connect(self._show_proposals)
        self._system = QPlainTextEdit()
        self._system.setAccessibleName("System prompt")
        self._system.setPlaceholderText("Instructions that hold for the whole chat")
        self._system.setFixedHeight(72)
        self._system.setTabChangesFocus(True)
        self._system.textChanged.connect(self._on_system)
        self._lay_out()

    def _lay_out(self) -> None:
        self._limits = QHBoxLayout()
        self._limits.setSpacing(2 * SPACE)
        self._limits.addLayout(_named("k_max", self._k_max))
        self._limits.addLayout(_named("Length", self.max_new_tokens))
        self._limits.addStretch(1)
        self._first = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._first.setSpacing(2 * SPACE)
        self._first.addWidget(self.slider, 1)
        self._first.addLayout(self._limits)
        self._second = QHBoxLayout()
        self._second.addLayout(_named("Proposals", self.proposals))
        self._second.addWidget(Fold("System prompt", self._system), 1)
        self._second.addWidget(self._legend)
        self._second.addWidget(self._colours)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE // 2)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(self._first)
        layout.addLayout(self._second)

    @property
    def k_max(self) -> int | None:
        """Most slots that mask rows propose a pass; None where others propose."""
        return self._k_max.value() if self.proposals.proposer == "mask rows" else None

    @property
    def system(self) -> str:
        """The system prompt."""
        return self._system.toPlainText().strip()

    def set_system(self, text: str) -> None:
        """Show a chat's system prompt."""
        if text != self.system:
            with QSignalBlocker(self._system):
                self._system.setPlainText(text)

    @Slot(object)
    def show_session(self, info: SessionInfo) -> None:
        """Offer no more tokens a pass than the adapter was trained for."""
        self._k_max.setMaximum(info.k_max)
        self._k_max.setValue(info.k_max)
        self.proposals.show_session(info)
        self._show_proposals()

    def use(self, strategy: Strategy, threshold: float, k_max: int) -> None:
        """Decode so from now on; it is kept as a user's choice is."""
        self.proposals.choose(proposer_of(strategy))
        self.proposals.chosen.emit(self.proposals.proposer)
        self._k_max.setValue(k_max)
        if strategy == "verified":
            self.slider.set_exact()
        elif strategy == "confadapt":
            self.slider.set_threshold(threshold)
        self.slider.settled.emit(self.slider.threshold)

    def use_threshold(self, threshold: float) -> None:
        """Hold slots against another threshold from now on; it is kept as a user's choice is."""
        self.slider.set_threshold(threshold)
        self.slider.settled.emit(self.slider.threshold)

    @Slot()
    def _show_proposals(self) -> None:
        """Text that is looked up has no confidence to hold against a threshold."""
        proposer = self.proposals.proposer
        self.slider.setEnabled(proposer != "prompt lookup")
        self.slider.setToolTip(NO_THRESHOLD if proposer == "prompt lookup" else "")
        self._k_max.setEnabled(proposer == "mask rows" and self._k_max.maximum() > 1)

    @Slot()
    def _on_system(self) -> None:
        self.system_changed.emit(self.system)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < NARROW
        below, beside = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        wish = below if is_narrow else beside
        if self._first.direction() != wish:
            self._first.setDirection(wish)
            (self._limits if is_narrow else self._second).addWidget(self._colours)


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
