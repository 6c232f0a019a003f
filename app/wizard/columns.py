"""Which columns of tables hold what, where their names do not tell: chosen, and never guessed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QVBoxLayout, QWidget

from app.widgets.field_grid import FieldGrid
from app.widgets.model_choices import ElidingComboBox
from app.widgets.text import SPACE, body
from app.wizard.state import WizardState
from core.documents.records import ColumnMap
from core.documents.report import FileReport, names_of

BOX_CHARACTERS = 22
LEAVE_OUT = "Leave out these tables"


@dataclass(frozen=True)
class Part:
    """What a column can hold, and how it reads that none does."""

    word: str
    tip: str
    none: str = "—"


PARTS = {
    "prompt": Part("Prompt column", "What a user asks"),
    "response": Part("Answer column", "What the model shall answer", "— the model answers —"),
    "text": Part("Text column", "Plain text, in the place of prompts and answers"),
}


class ColumnsForm(QWidget):
    """A box for each part; it follows the state."""

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._about = body()
        self._boxes = {
            name: ElidingComboBox(part.word, part.tip, BOX_CHARACTERS)
            for name, part in PARTS.items()
        }
        self._build()
        state.changed.connect(self._show)
        self._show()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self._about)
        grid = FieldGrid()
        for name, box in self._boxes.items():
            box.setObjectName(name)
            box.activated.connect(self._on_chosen)
            grid.add_field(PARTS[name].word, box)
        layout.addLayout(grid)
        layout.addWidget(Confirmation(self._state, of_rows=False))

    @Slot()
    def _show(self) -> None:
        look, draft = self._state.look, self._state.draft
        if look is None:
            # What was chosen stays in sight while the files are read anew.
            self.setVisible(bool(draft.data) and not self.isHidden())
            return
        asking, mapped = look.report.asking, look.report.mapped
        self.setVisible(bool(asking or mapped))
        wanted = [name for name in self._chosen().values() if name]
        self._about.setText(_about_text(asking, mapped, wanted))
        self._fill([name for file in (*mapped, *asking) for name in file.mapped or file.columns])

    def _fill(self, columns: list[str]) -> None:
        """Offer all columns in each box; only what the user chose is chosen."""
        chosen = self._chosen()
        # A column without a name cannot be named.
        offered = ["", *dict.fromkeys(filter(None, [*columns, *chosen.values()]))]
        for name, box in self._boxes.items():
            # A list that stays the same may be open.
            if offered != [box.itemData(row) for row in range(box.count())]:
                box.clear()
                for column in offered:
                    box.addItem(column or PARTS[name].none, column)
            box.setCurrentIndex(box.findData(chosen[name]))
        self._boxes["response"].setEnabled(bool(chosen["prompt"]))

    def _chosen(self) -> dict[str, str]:
        columns = self._state.draft.columns
        if not columns:
            return dict.fromkeys(PARTS, "")
        return dataclasses.asdict(ColumnMap.parse(columns))

    @Slot(int)
    def _on_chosen(self, _index: int) -> None:
        box = self.sender()
        assert isinstance(box, QComboBox)
        name, column, chosen = box.objectName(), box.currentData(), self._chosen()
        if column == chosen[name]:
            return
        # A text stands alone; a prompt, and an answer with it, in its place.
        others = {part: "" if held == column else held for part, held in chosen.items()}
        chosen = {"text": column} if name == "text" else {**others, "text": "", name: column}
        is_one = any(chosen.get(part) for part in ("prompt", "text"))
        self._state.choose_columns(ColumnMap(**chosen).wish if is_one else "")


class Confirmation(QCheckBox):
    """The user's word on tables of unknown columns.

    Args:
        state: Is followed, and told.
        of_rows: Whether the word is on rows that were made of chosen columns, and stands below
            them; else on the tables of which there are none.
    """

    def __init__(self, state: WizardState, of_rows: bool) -> None:
        super().__init__(LEAVE_OUT)
        self._state, self._of_rows = state, of_rows
        self.toggled.connect(self._on_toggled)
        state.changed.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        self.setChecked(self._state.draft.columns_confirmed)
        if self._state.look is None:
            self.hide()
            return
        report = self._state.look.report
        about = report.mapped if self._of_rows else report.asking
        self.setVisible(bool(about) and self._of_rows == bool(report.mapped))
        self.setText(_confirmed_text(report.asking, report.mapped))

    @Slot(bool)
    def _on_toggled(self, is_confirmed: bool) -> None:
        if is_confirmed != self._state.draft.columns_confirmed:
            self._state.update(columns_confirmed=is_confirmed)


def _about_text(asking: list[FileReport], mapped: list[FileReport], wanted: list[str]) -> str:
    if wanted and not mapped:
        return f"No table has {' and '.join(wanted)}. Choose columns that one table has."
    if not mapped:
        unclear = f"Stride cannot tell what the columns of {names_of(asking)} hold."
        return f"{unclear} Choose those with prompts and answers, or the one with texts."
    read = (
        f"The rows of {names_of(mapped)} are made of these columns: confirm the first ones below."
    )
    return f"{read} Nothing could be read of {names_of(asking)} this way." if asking else read


def _confirmed_text(asking: list[FileReport], mapped: list[FileReport]) -> str:
    if not mapped:
        return LEAVE_OUT
    right = f"The rows of {names_of(mapped)} above are right"
    return f"{right}; leave out the other tables" if asking else right
