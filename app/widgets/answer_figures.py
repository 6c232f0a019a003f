"""The line under an answer: what its passes came to, and whether several tokens a pass ran."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.widgets.text import SPACE, body
from core.events import GenerationEnded, GenerationStarted, PassDone
from core.metrics import AnswerFigures as Figures
from core.metrics import answer_figures
from core.wording import many

STOP_REASONS = {
    "end_token": "the model ended it",
    "stop_string": "stop string reached",
    "max_new_tokens": "length limit reached",
    "context_full": "context is full",
    "cancelled": "stopped by you",
}
"""Stop reasons in words."""


class AnswerFigures(QWidget):
    """A chip and the figures of one answer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chip = body(role="chip")
        self._chip.setAccessibleName("Multi-token prediction")
        self._figures = body(role="muted")
        self._figures.setAccessibleName("Figures of this answer")
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE)
        self._layout.addWidget(self._chip, 0, Qt.AlignmentFlag.AlignTop)
        self._layout.addWidget(self._figures, 1)

    @property
    def text(self) -> str:
        """Chip and figures in one line."""
        return f"{self._chip.text()} {self._figures.text()}"

    def show_figures(
        self,
        started: GenerationStarted | None,
        passes: tuple[PassDone, ...],
        ended: GenerationEnded | None,
        note: str = "",
    ) -> None:
        """Show what is known so far; `note` comes last."""
        self.setVisible(bool(passes) or bool(note))
        figures = answer_figures(passes)
        self._chip.setText(chip_text(started, passes, figures))
        self._chip.setVisible(bool(passes))
        parts = figure_texts(figures, passes) if passes else []
        direction = QHBoxLayout.Direction.LeftToRight
        if passes and not is_on(started, passes):
            parts.insert(0, f"{figures.tokens_per_pass:.1f} tokens per pass")
            direction = QHBoxLayout.Direction.TopToBottom  # the reason needs the line
        self._layout.setDirection(direction)
        if ended is not None:
            parts.append(STOP_REASONS[ended.stop_reason])
        self._figures.setText("  ·  ".join([*parts, *([note] if note else [])]))


def chip_text(
    started: GenerationStarted | None, passes: tuple[PassDone, ...], figures: Figures
) -> str:
    """That MTP is on, with its yield, or why it is off."""
    if is_on(started, passes):
        return f"{_manner(passes)} · {figures.tokens_per_pass:.1f} tokens per pass"
    if started is not None and started.mtp_off_reason:
        return f"MTP off: {started.mtp_off_reason.rstrip('.')}"
    return "MTP off: threshold 1.0 means one token a pass"


def is_on(started: GenerationStarted | None, passes: tuple[PassDone, ...]) -> bool:
    """Whether several tokens a pass were possible."""
    is_possible = started is None or not started.mtp_off_reason
    return is_possible and any(one.is_exact or one.threshold < 1.0 for one in passes)


def _manner(passes: tuple[PassDone, ...]) -> str:
    """Whether all of an answer is exact, or its rest."""
    if all(one.is_exact for one in passes):
        return "Exact"
    return "MTP on · exact from here" if passes[-1].is_exact else "MTP on"


def figure_texts(figures: Figures, passes: tuple[PassDone, ...]) -> list[str]:
    """The figures of an answer, one text each."""
    return [
        f"{figures.tokens_per_second:.1f} tokens/s",
        f"prefill {figures.prefill_seconds:.2f} s",
        f"{many(figures.tokens, 'token')} in {many(figures.passes, 'pass', 'passes')}",
        threshold_text(passes),
    ]


def threshold_text(passes: tuple[PassDone, ...]) -> str:
    """The threshold in force, or its range where it was moved; how many were refused if exact."""
    held = [one.threshold for one in passes if not one.is_exact]
    if not held:
        proposed = sum(one.confirmed + one.refused for one in passes)
        if not proposed:
            return "nothing was proposed"
        return f"{sum(one.confirmed for one in passes)} of {proposed} proposals confirmed"
    low, high = min(held), max(held)
    return f"threshold {low:g}" if low == high else f"threshold {low:g} to {high:g}"
