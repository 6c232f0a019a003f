"""What races: the prompt, the two sides, the threshold and how often each is measured."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QPlainTextEdit,
    QSpinBox,
)

from app.pages.race.sides import Side
from app.widgets.card import FormCard
from core.evaluate.prompts import demo_prompts
from core.evaluate.race.lineup import ONE_TOKEN

OWN_PROMPT = "Your own prompt"
PROMPT_HEIGHT = 90
RUNS, MOST_RUNS = 3, 9
TOKENS, MOST_TOKENS = 120, 2048


class RaceSetup(FormCard):
    """The fields.

    Signals:
        changed: The prompt or a side is another one.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__("What races")
        self._offered: list[Side] = []
        self._has_own_threshold = False
        self._prompts = QComboBox()
        self._prompt = QPlainTextEdit()
        self._prompt.setFixedHeight(PROMPT_HEIGHT)
        self._prompt.setTabChangesFocus(True)
        self._boxes = QComboBox(), QComboBox()
        self._threshold = QDoubleSpinBox(minimum=0.0, maximum=1.0, singleStep=0.01, decimals=3)
        self._runs = QSpinBox(minimum=1, maximum=MOST_RUNS, value=RUNS)
        self._tokens = QSpinBox(minimum=8, maximum=MOST_TOKENS, value=TOKENS)
        self._live = QCheckBox("Live together (nothing is measured)")
        self._live.setToolTip("All sides decode at once and slow each other.")
        self._built_in = {f"{one.title} ({one.level})": one.prompt for one in demo_prompts()}
        for name, text in self._built_in.items():
            self._prompts.addItem(name, text)
        self._prompts.addItem(OWN_PROMPT, "")
        self._build()
        self._prompts.activated.connect(self._on_chosen)
        self._prompt.textChanged.connect(self._on_edited)
        self._threshold.valueChanged.connect(self._on_threshold)
        for box in self._boxes:
            box.currentIndexChanged.connect(self.changed)
        self.show_sides([Side(ONE_TOKEN)])
        self._on_chosen()

    def _build(self) -> None:
        self.add_row("Prompt", self._prompts)
        self._prompt.setAccessibleName("Text of the prompt")
        self.body.addWidget(self._prompt)
        for word, box in zip(("One side", "The other"), self._boxes, strict=True):
            self.add_row(word, box)
        self.add_numbers(
            {"Threshold": self._threshold, "Runs": self._runs, "Most tokens": self._tokens}
        )
        self.body.addWidget(self._live)

    @property
    def prompt(self) -> str:
        """The prompt to decode."""
        return self._prompt.toPlainText()

    @property
    def sides(self) -> tuple[Side, Side]:
        """Who races against whom."""
        left, right = self._boxes
        return left.currentData(), right.currentData()

    @property
    def threshold(self) -> float:
        """Of ConfAdapt on either side."""
        return self._threshold.value()

    @property
    def runs(self) -> int:
        """How often each side is measured."""
        return self._runs.value()

    @property
    def max_new_tokens(self) -> int:
        """Where an answer ends at the latest."""
        return self._tokens.value()

    @property
    def is_live(self) -> bool:
        """Whether all sides decode at once, to be watched."""
        return self._live.isChecked()

    def show_sides(self, sides: Sequence[Side], loaded: str = "") -> None:
        """Offer other sides; what was chosen stays if it can, and so does an opened list.

        Args:
            sides: One token a pass first.
            loaded: Adapter that races against it by default.
        """
        is_open = any(box.view().isVisible() for box in self._boxes)
        if list(sides) == self._offered or is_open:
            return
        chosen = [box.currentData() for box in self._boxes if box.count()]
        favourite = _side_of(sides, loaded) if loaded else sides[-1]
        is_usable = len(set(chosen)) == len(self._boxes) and set(chosen) <= set(sides)
        if not is_usable or favourite not in self._offered:
            chosen = [sides[0], favourite]
        self._offered = list(sides)
        for box, chosen_side in zip(self._boxes, chosen, strict=True):
            with QSignalBlocker(box):
                box.clear()
                for side in sides:
                    box.addItem(side.label, side)
                box.setCurrentIndex(self._offered.index(chosen_side))
        self.changed.emit()

    def choose(self, prompt: str, left: str, right: str) -> None:
        """Fill the fields in.

        Args:
            prompt: The prompt; empty leaves the one that stands there.
            left: Adapter of one side; empty for one token a pass.
            right: That of the other.
        """
        if prompt:
            self._prompt.setPlainText(prompt)
        for box, adapter in zip(self._boxes, (left, right), strict=True):
            box.setCurrentIndex(self._offered.index(_side_of(self._offered, adapter)))

    def show_threshold(self, threshold: float) -> None:
        """Take over the user's threshold, unless another one was chosen here."""
        if not self._has_own_threshold:
            with QSignalBlocker(self._threshold):
                self._threshold.setValue(threshold)

    @Slot()
    def _on_threshold(self) -> None:
        self._has_own_threshold = True

    @Slot()
    def _on_chosen(self) -> None:
        text = self._prompts.currentData()
        if text:
            self._prompt.setPlainText(text)
        else:
            self._prompt.clear()
            self._prompt.setFocus()

    @Slot()
    def _on_edited(self) -> None:
        names = [name for name, text in self._built_in.items() if text == self.prompt]
        self._prompts.setCurrentText(names[0] if names else OWN_PROMPT)
        self.changed.emit()


def _side_of(sides: Sequence[Side], adapter: str) -> Side:
    """An adapter's first side; one token a pass for none."""
    return next(side for side in sides if side.adapter == adapter)
