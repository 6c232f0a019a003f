"""One pass, opened: its slots as bars, what else it knew of the chosen slot, its figures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.widgets.card import Card
from app.widgets.pass_tip import shown
from app.widgets.slot_bars import SlotBars, proposed_text
from app.widgets.text import body, button, heading, line, muted
from app.widgets.threshold_slider import ThresholdSlider
from core.estimate import counted_from, estimate, would_keep
from core.events import PassDone


class PassPanel(Card):
    """Bars, alternatives and figures of a pass; another threshold can be tried on it.

    Signals:
        threshold_tried: The threshold now tried, or that of the recording.
    """

    threshold_tried = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._passes: Sequence[PassDone] = ()
        self._starts: Sequence[float] = ()
        self._counted_from = 1
        self._place = 0
        self._name = heading("")
        self._kept = body()
        self._bars = SlotBars()
        self._slot = body()
        self._others = muted()
        self._facts = muted()
        self._slider = ThresholdSlider()
        self._estimate = muted()
        self._estimate.setAccessibleName("Estimate")
        self._back = button("As recorded", "refresh", "quiet")
        head = QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addWidget(self._kept, 0, Qt.AlignmentFlag.AlignBottom)
        self._kept.setWordWrap(False)
        self.body.addLayout(head)
        for part in (self._facts, self._bars, self._slot, self._others):
            self.body.addWidget(part)
        self.body.addWidget(line())
        self.body.addWidget(self._slider)
        self.body.addWidget(self._estimate)
        self.body.addWidget(self._back, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addStretch(1)
        self._bars.slot_chosen.connect(self._show_slot)
        self._bars.threshold_moved.connect(self._slider.set_threshold)
        self._slider.threshold_changed.connect(self._on_tried)
        self._back.clicked.connect(self._on_back)

    def prepare(self, passes: Sequence[PassDone], starts: Sequence[float]) -> None:
        """Take another answer: its passes, and the seconds at which they began."""
        self._passes, self._starts = passes, starts
        self._counted_from = counted_from(passes)
        self._place = 0
        self._take_recorded()

    def show_pass(self, place: int) -> None:
        """Show a pass, from 0."""
        was_tried = self._is_tried
        self._place = place
        if not was_tried:
            self._take_recorded()
        self._show()

    @property
    def _done(self) -> PassDone:
        return self._passes[self._place]

    @property
    def _is_tried(self) -> bool:
        """Whether the threshold is another than the recorded one of the pass in view."""
        return self._slider.threshold != self._done.threshold

    def _take_recorded(self) -> None:
        with QSignalBlocker(self._slider):
            self._slider.set_threshold(self._done.threshold)

    def _show(self) -> None:
        done, tried = self._done, self._slider.threshold
        slots, kept = len(done.proposed_ids), len(done.token_ids)
        self._name.setText(f"Pass {self._place + 1} of {len(self._passes)}")
        self._kept.setText(f"{kept} of {slots} slots kept" if slots > 1 else "One slot, kept")
        would = would_keep(done, tried, self._counted_from) if self._is_tried else kept
        self._bars.show_pass(done, would, tried)
        self._estimate.setText(self._estimate_text(would, tried))
        self._back.setVisible(self._is_tried)
        self._show_slot()
        self._facts.setText(
            f"{done.seconds * 1000:.0f} ms, from {self._starts[self._place]:.2f} s on  ·  "
            f"{done.width} rows  ·  threshold {done.threshold:g}"
        )

    def _estimate_text(self, would: int, tried: float) -> str:
        if not self._is_tried:
            return "Move the line to see what another threshold would have kept."
        passes = len(estimate(self._passes, tried, self._counted_from))
        return (
            f"Estimate: at {tried:g} this pass would have kept {would} instead of "
            f"{len(self._done.token_ids)}, and the answer taken about {passes} passes instead of "
            f"{len(self._passes)}. Real passes would begin elsewhere; answer again to know."
        )

    @Slot()
    def _show_slot(self) -> None:
        done, slot = self._done, self._bars.slot
        confidence = done.confidences[slot - 1]
        word = "kept" if slot <= len(done.token_ids) else "not kept"
        self._slot.setText(
            f"Slot {slot}: {proposed_text(done, slot)}, confidence {confidence:.3f}, {word}"
        )
        others = done.alternatives[slot - 1] if slot <= len(done.alternatives) else ()
        listed = ", ".join(f"{shown(text)} {chance:.3f}" for _, text, chance in others)
        self._others.setText(f"Instead of it: {listed or 'not known'}")

    @Slot(float)
    def _on_tried(self, threshold: float) -> None:
        self._show()
        self.threshold_tried.emit(threshold)

    @Slot()
    def _on_back(self) -> None:
        self._slider.set_threshold(self._done.threshold)
