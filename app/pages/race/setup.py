"""What races: the prompt, the two sides, the threshold and how often each is measured."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QPlainTextEdit, QSpinBox

from app.widgets.card import FormCard
from app.widgets.text import pad_number
from core.paths import resources

ONE_TOKEN = "One token a pass"
OWN_PROMPT = "Your own prompt"
PROMPT_HEIGHT = 90
RUNS, MOST_RUNS = 3, 9
TOKENS, MOST_TOKENS = 120, 2048


@dataclass(frozen=True)
class Side:
    """One side: an adapter decoding with ConfAdapt, or one token a pass where it has none."""

    label: str
    adapter: str = ""


class RaceSetup(FormCard):
    """The fields; `sides` holds what can race on the loaded model."""

    def __init__(self, threshold: float) -> None:
        super().__init__("What races")
        self._prompts = QComboBox()
        self._prompt = QPlainTextEdit()
        self._prompt.setFixedHeight(PROMPT_HEIGHT)
        self._prompt.setTabChangesFocus(True)
        self._boxes = QComboBox(), QComboBox()
        self._threshold = QDoubleSpinBox(minimum=0.5, maximum=1.0, singleStep=0.01, decimals=3)
        self._threshold.setValue(threshold)
        self._runs = QSpinBox(minimum=1, maximum=MOST_RUNS, value=RUNS)
        self._tokens = QSpinBox(minimum=8, maximum=MOST_TOKENS, value=TOKENS)
        self._built_in = _built_in_prompts()
        for name, text in self._built_in.items():
            self._prompts.addItem(name, text)
        self._prompts.addItem(OWN_PROMPT, "")
        self._build()
        self._prompts.activated.connect(self._on_chosen)
        self._prompt.textChanged.connect(self._on_edited)
        self.show_sides([Side(ONE_TOKEN)])
        self._on_chosen()

    def _build(self) -> None:
        self.add_row("Prompt", self._prompts)
        self._prompt.setAccessibleName("Text of the prompt")
        self.body.addWidget(self._prompt)
        for word, box in zip(("One side", "The other"), self._boxes, strict=True):
            self.add_row(word, box)
        row = QHBoxLayout()
        numbers: dict[str, QSpinBox | QDoubleSpinBox] = {
            "Threshold": self._threshold,
            "Runs": self._runs,
            "Most tokens": self._tokens,
        }
        for word, number in numbers.items():
            number.setAccessibleName(word)
            number.setPrefix(f"{word}: ")
            pad_number(number)
            row.addWidget(number)
        row.addStretch(1)
        self.body.addLayout(row)

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

    def show_sides(self, sides: Sequence[Side], loaded: str = "") -> None:
        """Offer other sides; what was chosen stays if it can.

        Args:
            sides: One token a pass first.
            loaded: Adapter that races against it by default.
        """
        chosen = [box.currentData() for box in self._boxes]
        if chosen[0] == chosen[1] or not all(one in sides for one in chosen):
            own = [side for side in sides if side.adapter == loaded]
            chosen = [sides[0], own[0] if own else sides[-1]]
        for box, side in zip(self._boxes, chosen, strict=True):
            box.clear()
            for one in sides:
                box.addItem(one.label, one)
            box.setCurrentIndex(sides.index(side))

    def choose(self, prompt: str, left: str, right: str) -> None:
        """Fill the fields in.

        Args:
            prompt: The prompt.
            left: Adapter of one side; empty for one token a pass.
            right: That of the other.
        """
        self._prompt.setPlainText(prompt)
        for box, adapter in zip(self._boxes, (left, right), strict=True):
            places = [n for n in range(box.count()) if box.itemData(n).adapter == adapter]
            box.setCurrentIndex(places[0] if places else 0)

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


def _built_in_prompts() -> dict[str, str]:
    """Built-in prompts by title, from easy to hard."""
    text = (resources() / "prompts" / "demo.toml").read_text(encoding="utf-8")
    return {one["title"]: one["prompt"].strip() for one in tomllib.loads(text)["prompts"]}
