"""What trainings have left on the disk, a row each with a tick."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import astuple

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.pages.training.run_list import STATES
from app.widgets.units import moment_text, size_text
from core.train.cleanup import Leftover

COLUMNS = ("Training", "State", "When", "Checkpoints", "Working files", "Record")
FIGURES = range(COLUMNS.index("Checkpoints"), len(COLUMNS))
NARROWEST = 72
WORDS = STATES | {"remains": "Left over", "cache": "Shared by all"}
TICKED = Qt.CheckState.Checked
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class LeftoverTable(QTreeWidget):
    """Trainings to choose from, newest first; those at work or in line cannot be chosen.

    Signals:
        chosen_changed: Others are chosen than before.
    """

    chosen_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[Leftover, QTreeWidgetItem]] = []
        self.setAccessibleName("What trainings have left on the disk")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setHeaderLabels(COLUMNS)
        self._set_columns()
        self.itemChanged.connect(self.chosen_changed)
        self.itemClicked.connect(self._on_clicked)

    def _set_columns(self) -> None:
        header = self.header()
        header.setMinimumSectionSize(NARROWEST)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in FIGURES:
            self.headerItem().setTextAlignment(column, RIGHT)

    def show_leftovers(self, leftovers: Sequence[Leftover]) -> None:
        """Show others; none of them is chosen."""
        self._rows = [(one, _item(one)) for one in leftovers]
        with QSignalBlocker(self):
            self.clear()
            self.addTopLevelItems([item for _, item in self._rows])
        self.chosen_changed.emit()

    @property
    def chosen(self) -> list[Leftover]:
        """Those with a tick."""
        return [one for one, item in self._rows if item.checkState(0) == TICKED]

    @Slot()
    def choose_completed(self) -> None:
        """Choose all trainings that came to their end: none of them goes on."""
        with QSignalBlocker(self):
            for one, item in self._rows:
                if one.state == "completed":
                    item.setCheckState(0, TICKED)
        self.chosen_changed.emit()

    @Slot(QTreeWidgetItem, int)
    def _on_clicked(self, item: QTreeWidgetItem, _column: int) -> None:
        """Let the space bar tick the row that was clicked: it looks at the current column."""
        self.setCurrentItem(item, 0)


def _item(one: Leftover) -> QTreeWidgetItem:
    when = moment_text(one.created_at, time.time()) if one.created_at else ""
    sizes = [size_text(size) if size else "–" for size in astuple(one.use)]
    item = QTreeWidgetItem([one.name, WORDS[one.state], when, *sizes])
    item.setCheckState(0, Qt.CheckState.Unchecked)
    item.setDisabled(bool(one.why_not))
    item.setToolTip(0, f"{one.name}\n{one.folder}")
    item.setToolTip(1, one.why_not)
    item.setData(1, Qt.ItemDataRole.AccessibleDescriptionRole, one.why_not)
    for column in FIGURES:
        item.setTextAlignment(column, RIGHT)
    return item
