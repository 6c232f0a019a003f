"""The advanced settings: a table of fields of the training spec, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QSpinBox,
    QWidget,
)

from app.widgets.field_grid import FieldGrid
from app.widgets.kinds import KINDS
from app.widgets.text import SPACE, muted, pad_number
from app.wizard.state import WizardState
from core.train.plan import default_of


@dataclass(frozen=True)
class Choice:
    """A setting with few values: pairs of value and word; the first value is the default."""

    name: str
    word: str
    tip: str
    values: tuple[tuple[Any, str], ...]


@dataclass(frozen=True)
class Number:
    """A setting with a range; whole numbers unless `decimals` is given."""

    name: str
    word: str
    tip: str
    low: float
    high: float
    decimals: int = 0


FIELDS: tuple[Choice | Number, ...] = (
    Choice(
        "kind",
        "What is trained",
        "The kind of adaptation",
        tuple((None if kind == "gated" else kind, word) for kind, (word, _) in KINDS.items()),
    ),
    Choice(
        "start_from",
        "Start from",
        "The adapter that fits the model, as a rule the shipped one, or a new one",
        ((None, "The adapter that fits, if there is one"), ("none", "None: a new adapter")),
    ),
    Choice(
        "passages",
        "Plain texts become",
        "Chats are questions about passages, which the model asks and answers itself",
        (
            (None, "Chats about their passages"),
            ("both", "Text to continue and chats"),
            ("text", "Text to continue"),
        ),
    ),
    Number("k_max", "Slots a pass (k_max)", "Most tokens a pass can give; only from none", 2, 16),
    Number("heads", "Heads", "One to a token that a pass proposes; of heads only", 1, 8),
    Number("rank", "Rank", "Of the low-rank updates; only from none", 1, 128),
    Number("learning_rate", "Learning rate", "Its peak; it decays to nothing", 0.00001, 0.1, 5),
    Number("sequences", "Batch", "Rows an optimizer step", 1, 256),
    Number("context", "Context", "Rows are cut to this many tokens", 32, 8192),
    Number("eval_rows", "Evaluation rows", "Held out, never trained on; a fifth at most", 0, 1000),
    Number("seed", "Seed", "Of data order, slots and offsets", 0, 2**31 - 1),
    Number("processes", "Processes", "Ranks, one to a GPU; they share the batch", 1, 64),
    Choice(
        "shard",
        "Weights on several GPUs",
        "Divided: full trainings of models that do not fit one GPU (FSDP)",
        ((None, "Whole on each"), (True, "Divided among them")),
    ),
    Choice(
        "device",
        "Device",
        "Where it computes",
        ((None, "As in the header"), ("auto", "Automatic"), ("cpu", "CPU")),
    ),
    Choice(
        "dtype",
        "Precision",
        "bfloat16 where the hardware computes it",
        ((None, "As in the settings"), ("float32", "float32"), ("bfloat16", "bfloat16")),
    ),
)


def in_words(advanced: Mapping[str, Any]) -> dict[str, str]:
    """The changed settings of a draft, as the form shows them."""
    changed = [one for one in FIELDS if one.name in advanced]
    return {
        one.word: dict(one.values)[advanced[one.name]]
        if isinstance(one, Choice)
        else f"{advanced[one.name]:,}"
        for one in changed
    }


class AdvancedForm(QWidget):
    """One field for each advanced setting; it follows the draft and changes it."""

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._boxes: dict[str, QComboBox] = {}
        self._numbers: dict[str, QSpinBox | QDoubleSpinBox] = {}
        self._about_kind = muted()
        grid = FieldGrid(self)
        grid.setContentsMargins(3 * SPACE, SPACE, 0, 0)
        for one in FIELDS:
            field = self._add_choice(one) if isinstance(one, Choice) else self._add_number(one)
            field.setObjectName(one.name)
            grid.add_field(one.word, field, one.tip)
            if one.name == "kind":
                grid.addWidget(self._about_kind, grid.rowCount(), 1)
        state.changed.connect(self._show)
        self._show()

    def _add_choice(self, choice: Choice) -> QComboBox:
        box = QComboBox()
        for value, word in choice.values:
            box.addItem(word, value)
        box.activated.connect(self._on_chosen)
        self._boxes[choice.name] = box
        return box

    def _add_number(self, number: Number) -> QSpinBox | QDoubleSpinBox:
        box: QSpinBox | QDoubleSpinBox
        if number.decimals:
            box = QDoubleSpinBox(decimals=number.decimals, singleStep=10.0**-number.decimals * 10)
            box.setRange(number.low, number.high)
        else:
            box = QSpinBox()
            box.setRange(int(number.low), int(number.high))
        pad_number(box)
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._on_number)
        self._numbers[number.name] = box
        return box

    @Slot()
    def _show(self) -> None:
        advanced = self._state.draft.advanced
        self._about_kind.setText(KINDS[advanced.get("kind", "gated")][1])
        for name, box in self._boxes.items():
            box.setCurrentIndex(max(box.findData(advanced.get(name)), 0))
        for name, number in self._numbers.items():
            number.blockSignals(True)
            number.setValue(advanced.get(name, default_of(name, advanced.get("kind"))))
            number.blockSignals(False)
        for name, is_offered in self._offered().items():
            (self._numbers | self._boxes)[name].setEnabled(is_offered)
            if name in advanced and not is_offered:
                self._state.set_advanced(name, None)

    def _offered(self) -> dict[str, bool]:
        """Whether the settings that not every training has mean something for this one."""
        advanced = self._state.draft.advanced
        kind = advanced.get("kind", "gated")
        # An adapter that is gone on from has its slots and rank already.
        is_new = advanced.get("start_from") == "none" or kind == "full"
        return {
            "start_from": kind == "gated",
            "k_max": is_new and kind != "heads",
            "rank": is_new and kind != "heads",
            "heads": kind == "heads",
            "shard": kind == "full" and advanced.get("processes", 1) > 1,
        }

    @Slot(int)
    def _on_chosen(self, _index: int) -> None:
        box = self.sender()
        assert isinstance(box, QComboBox)
        self._state.set_advanced(box.objectName(), box.currentData())

    @Slot(int)
    @Slot(float)
    def _on_number(self, value: float) -> None:
        name = self.sender().objectName()
        default = default_of(name, self._state.draft.advanced.get("kind"))
        self._state.set_advanced(name, None if value == default else value)
