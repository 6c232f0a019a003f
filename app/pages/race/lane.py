"""One side of a race: a clock, figures, and the answer as it came, pass by pass."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.widgets.answer_view import AnswerView
from app.widgets.card import Card
from app.widgets.text import SPACE, heading, muted, title
from core.events import GenerationEvent, PassDone
from core.metrics import answer_figures

ANSWER_HEIGHT = 220


class Lane(Card):
    """A recorded answer that is shown as fast as it came, or one that comes just now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._name = heading("")
        self._clock = title("")
        self._figures = muted()
        self._answer = AnswerView()
        self._events: Sequence[GenerationEvent] = ()
        self._times: list[float] = []
        self._shown = 0
        head = QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addWidget(self._clock, 0, Qt.AlignmentFlag.AlignTop)
        self._clock.setWordWrap(False)
        self.body.addLayout(head)
        self.body.addWidget(self._figures)
        self.body.addWidget(self._scrolled(), 1)

    def _scrolled(self) -> QScrollArea:
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setMinimumHeight(ANSWER_HEIGHT)
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, SPACE, 0)
        layout.addWidget(self._answer)
        layout.addStretch(1)
        self._area.setWidget(holder)
        for one in (self._area.viewport(), holder):
            one.setAutoFillBackground(False)
        # The range grows with what was drawn, a little later.
        self._area.verticalScrollBar().rangeChanged.connect(self._follow)
        return self._area

    @property
    def duration(self) -> float:
        """Seconds from the prompt to the last pass."""
        return self._times[-1] if self._times else 0.0

    @property
    def text(self) -> str:
        """The answer as far as it is shown."""
        return self._answer.text

    def prepare(self, label: str, events: Sequence[GenerationEvent] = ()) -> None:
        """Stand at the start, with the events of a whole answer; without any there is no race."""
        self.setAccessibleName(label)
        self._name.setText(label)
        self._events, self._times = events, event_times(events)
        self._answer.show_trace(())
        self._shown = 0
        self._clock.setText("")
        self._figures.setText("")

    def show_at(self, seconds: float) -> bool:
        """Show what had come by then; whether that is all."""
        due = bisect_right(self._times, seconds)
        if due > self._shown:
            for event in self._events[self._shown : due]:
                self._answer.append(event)
            self._shown = due
            self._show_figures()
        is_over = due == len(self._events)
        self._clock.setText(f"{min(seconds, self.duration):.1f} s")
        return is_over

    def grow(self, event: GenerationEvent, seconds: float) -> None:
        """Show an event that came just now, so many seconds after the first."""
        self._answer.append(event)
        figures = answer_figures(self._answer.passes)
        self._figures.setText(
            f"{figures.tokens} tokens  ·  {figures.tokens_per_pass:.2f} tokens per pass"
        )
        self._clock.setText(f"{seconds:.1f} s")

    def _show_figures(self) -> None:
        figures = answer_figures(self._answer.passes)
        if figures.passes:
            self._figures.setText(
                f"{figures.tokens} tokens  ·  {figures.tokens_per_second:.1f} tokens a second  ·  "
                f"{figures.tokens_per_pass:.2f} tokens per pass"
            )

    @Slot()
    def _follow(self) -> None:
        bar = self._area.verticalScrollBar()
        bar.setValue(bar.maximum())


def event_times(events: Sequence[GenerationEvent]) -> list[float]:
    """Seconds after the prompt at which each event came, by the time of its pass."""
    return list(accumulate(one.seconds if isinstance(one, PassDone) else 0.0 for one in events))
