"""Held-out answers, decoded anew at every evaluation: their blocks grow as the adapter learns."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout

from app.widgets.answer_view import AnswerView
from app.widgets.card import Card
from app.widgets.text import clear_layout, muted
from core.events import SampleDone
from core.metrics import answer_figures

SHOWN_PROMPT = 300


class SamplesCard(Card):
    """The samples of one evaluation; the newest unless an older step is chosen."""

    def __init__(self) -> None:
        super().__init__(
            "Sample answers", "Held-out prompts at threshold .9: one coloured block to a pass."
        )
        self._samples: dict[int, list[SampleDone]] = {}
        self._steps = QComboBox()
        self._steps.setAccessibleName("Evaluation")
        self._steps.activated.connect(self._on_step)
        self._chosen: int | None = None
        row = QHBoxLayout()
        row.addWidget(self._steps)
        row.addStretch(1)
        self.body.addLayout(row)
        self._answers = QVBoxLayout()
        self.body.addLayout(self._answers)
        self.hide()

    def clear(self) -> None:
        """Show none."""
        self._samples, self._chosen = {}, None
        self._steps.clear()
        self.hide()

    def show_samples(self, samples: Sequence[SampleDone]) -> None:
        """Take in all samples so far."""
        if sum(map(len, self._samples.values())) == len(samples):
            return
        self._samples = {}
        for sample in samples:
            self._samples.setdefault(sample.step, []).append(sample)
        self._steps.clear()
        for step in sorted(self._samples, reverse=True):
            self._steps.addItem(f"after step {step:,}", step)
        if self._chosen is not None:
            self._steps.setCurrentIndex(self._steps.findData(self._chosen))
        self.show()
        self._show_step()

    @Slot(int)
    def _on_step(self, index: int) -> None:
        self._chosen = None if index == 0 else self._steps.itemData(index)
        self._show_step()

    def _show_step(self) -> None:
        clear_layout(self._answers)
        for sample in self._samples.get(self._steps.currentData(), []):
            prompt = (
                sample.prompt
                if len(sample.prompt) <= SHOWN_PROMPT
                else (sample.prompt[:SHOWN_PROMPT] + " …")
            )
            figures = answer_figures(sample.passes)
            self._answers.addWidget(
                muted(f"{prompt}\n{figures.tokens_per_pass:.2f} tokens per pass")
            )
            answer = AnswerView()
            answer.show_trace(sample.passes)
            self._answers.addWidget(answer)
