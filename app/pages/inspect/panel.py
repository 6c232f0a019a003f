"""One pass, opened: its slots as bars, what else it knew of the chosen slot, its figures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.card import Card
from app.widgets.pass_tip import alternatives_text, refused_text
from app.widgets.slot_bars import SlotBars
from app.widgets.text import body, button, heading, line, muted
from app.widgets.threshold_slider import ThresholdSlider
from core.estimate import CAVEAT, estimate, rule_of, would_keep
from core.events import PassDone
from core.metrics import Block, blocks_of
from core.rule import USUAL_RULE

HINT = "Drag the line, or move it with Up and Down, to see what another threshold would have kept."


class PassPanel(Card):
    """Bars, alternatives and figures of a pass; another threshold can be tried on it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._passes: Sequence[PassDone] = ()
        self._blocks: Sequence[Block] = ()
        self._starts: Sequence[float] = ()
        self._rule = USUAL_RULE
        self._place = 0
        self._tried: float | None = None
        self._name = heading("")
        self._kept = body()
        self._bars = SlotBars()
        self._slot = body()
        self._others = muted()
        self._facts = muted()
        self._try = QWidget()
        self._slider = ThresholdSlider()
        self._estimate = muted()
        self._estimate.setAccessibleName("Estimate")
        self._back = button("As recorded", "refresh", "quiet")
        self._build()
        self._bars.slot_chosen.connect(self._show_slot)
        self._bars.threshold_moved.connect(self._on_moved)
        self._slider.threshold_changed.connect(self._on_moved)
        self._back.clicked.connect(self._on_back)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addWidget(self._kept, 0, Qt.AlignmentFlag.AlignBottom)
        self._kept.setWordWrap(False)
        self.body.addLayout(head)
        for part in (self._facts, self._bars, self._slot, self._others):
            self.body.addWidget(part)
        column = QVBoxLayout(self._try)
        column.setContentsMargins(0, 0, 0, 0)
        for tried in (line(), self._slider, self._estimate):
            column.addWidget(tried)
        column.addWidget(self._back, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self._try)
        self.body.addStretch(1)

    def prepare(
        self, passes: Sequence[PassDone], starts: Sequence[float], *, has_threshold: bool
    ) -> None:
        """Take another answer.

        Args:
            passes: Its passes.
            starts: The seconds at which they began.
            has_threshold: Whether a threshold decided what was kept.
        """
        self._passes, self._starts = passes, starts
        self._blocks = blocks_of(passes)
        self._rule = rule_of(passes)
        self._place, self._tried = 0, None
        self._try.setVisible(has_threshold)
        self._bars.can_try = has_threshold

    def show_pass(self, place: int) -> None:
        """Show a pass, from 0."""
        self._place = place
        self._show()

    @property
    def _done(self) -> PassDone:
        return self._passes[self._place]

    def _show(self) -> None:
        done, tried = self._done, self._tried
        threshold = done.threshold if tried is None else tried
        slots, kept = len(done.proposed_ids), self._blocks[self._place].size
        would = kept
        if tried is not None:
            would = would_keep(self._passes, self._place, tried, self._rule)
        self._name.setText(f"Pass {self._place + 1} of {len(self._passes)}")
        words = f"{kept} of {slots} slots kept" if slots > 1 or not kept else "One slot, kept"
        self._kept.setText(words if tried is None else f"Estimate: {would} of {slots}")
        self._bars.show_pass(done, would, threshold, is_estimate=tried is not None)
        with QSignalBlocker(self._slider):
            self._slider.set_threshold(threshold)
        self._estimate.setText(HINT if tried is None else self._estimate_text(would, tried))
        self._back.setVisible(tried is not None)
        self._show_slot()
        decided = f"  ·  threshold {done.threshold:g}" if self._bars.can_try else ""
        self._facts.setText(
            f"{done.seconds * 1000:.0f} ms, from {self._starts[self._place]:.2f} s on  ·  "
            f"{done.width} rows{decided}{self._check_text()}"
        )

    def _check_text(self) -> str:
        """What a pass said of the proposals of the one before, and what it passes on."""
        done, parts = self._done, [""]
        if done.confirmed or done.refused:
            parts.append(f"{done.confirmed} of the pass before confirmed")
        if done.refused:
            parts.append(f"{refused_text(self._passes, self._place)} refused")
        if done.provisional:
            parts.append(f"{done.provisional} by {done.proposer} for the next pass to check")
        return "  ·  ".join(parts)

    def _estimate_text(self, would: int, tried: float) -> str:
        passes = len(estimate(self._passes, tried, self._rule))
        kept = self._blocks[self._place].size
        return (
            f"Estimate: at {tried:g} this pass would have kept {would} instead of {kept}, and the "
            f"answer taken about {passes} passes instead of {len(self._passes)}. {CAVEAT}"
        )

    @Slot()
    def _show_slot(self) -> None:
        others = alternatives_text(self._done, self._bars.slot)
        self._slot.setText(self._bars.slot_text())
        self._others.setText(f"Instead of it: {others or 'not known'}")

    @Slot(float)
    def _on_moved(self, threshold: float) -> None:
        self._tried = threshold
        self._show()

    @Slot()
    def _on_back(self) -> None:
        self._tried = None
        self._show()
