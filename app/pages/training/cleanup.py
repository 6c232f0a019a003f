"""Clean up: what trainings have left on the disk, and removing it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QRadioButton, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.pages.training.leftovers import LeftoverTable
from app.widgets.confirm import confirm_delete
from app.widgets.empty_state import EmptyState
from app.widgets.text import PAGE_MARGIN, SPACE, body, button, muted, title
from app.widgets.units import size_text
from app.workers.jobs import Job, Progress
from core.control import Cancel
from core.train.cleanup import Leftover, Survey, remove, survey

HINT = (
    "Checkpoints are needed only to go on with a training; working files and answers only save "
    "time, and are made again. Its record holds a training's charts, sample answers and "
    "comparison. Adapters and the history stay in any case. What is at work or in line cannot be "
    "chosen."
)
EMPTY = ("Nothing to clean up", "No training has left anything on this disk.")
LOOKING = "Looking at the disk …"
DELETING = "Deleting …"


class CleanUpPage(QWidget):
    """Shows what there is, and removes what is chosen.

    Signals:
        left: Back to the list.
    """

    left = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Clean up")
        self._paths, self._jobs, self._training = context.paths, context.jobs, context.training
        self._looker: Job | None = None
        self._is_deleting = False
        self._back = button("All trainings")
        self._summary = body()
        self._table = LeftoverTable()
        self._parts = QRadioButton("Checkpoints and working files")
        self._everything = QRadioButton("Everything, their records too")
        self._completed = button("Choose completed trainings", role="quiet")
        self._frees = muted()
        self._remove = button("Delete", "trash")
        self._foot = QWidget()
        self._empty = EmptyState("trash", *EMPTY)
        self._stack = QStackedWidget()
        self._build()
        self._connect()

    def _build(self) -> None:
        self._parts.setChecked(True)
        self._frees.setWordWrap(False)
        head = QHBoxLayout()
        head.addWidget(title("Clean up"), 1)
        head.addWidget(self._back)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3 * SPACE // 2)
        for part in (self._summary, muted(HINT), self._table, self._foot):
            column.addWidget(part, 1 if part is self._table else 0)
        self._build_foot()
        self._stack.addWidget(content)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(PAGE_MARGIN,) * 4)
        layout.setSpacing(2 * SPACE)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)

    def _build_foot(self) -> None:
        parts, act = QHBoxLayout(), QHBoxLayout()
        parts.setSpacing(2 * SPACE)
        for one in (self._parts, self._everything):
            parts.addWidget(one)
        parts.addStretch(1)
        act.setSpacing(3 * SPACE // 2)
        act.addWidget(self._completed)
        act.addStretch(1)
        act.addWidget(self._frees)
        act.addWidget(self._remove)
        column = QVBoxLayout(self._foot)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addLayout(parts)
        column.addLayout(act)

    def _connect(self) -> None:
        self._back.clicked.connect(self.left)
        self._completed.clicked.connect(self._table.choose_completed)
        self._table.chosen_changed.connect(self._show_sum)
        self._everything.toggled.connect(self._show_sum)
        self._remove.clicked.connect(self._on_remove)

    def enter(self) -> None:
        """The page is about to be shown: look at the disk anew."""
        if self._is_deleting:
            return  # it looks once that is done
        if self._looker is not None:
            self._looker.cancel()
        self._summary.setText(LOOKING)
        self._foot.setEnabled(False)

        def look(cancel: Cancel, _progress: Progress) -> Survey:
            return survey(self._paths, cancel)

        self._looker = self._jobs.start(look, self._on_survey)

    @Slot(object)
    def _on_survey(self, found: Survey) -> None:
        self._foot.setEnabled(True)
        self._table.show_leftovers(found.leftovers)
        self._stack.setCurrentIndex(0 if found.leftovers else 1)
        self._summary.setText(
            f"Trainings take {size_text(found.total_bytes)} beside their adapters; "
            f"{size_text(found.free_bytes)} are free on this disk."
        )

    @Slot()
    def _show_sum(self) -> None:
        chosen = self._table.chosen
        frees = self._frees_bytes(chosen)
        self._frees.setText(f"Frees {size_text(frees)}")
        self._remove.setEnabled(frees > 0)

    def _frees_bytes(self, chosen: Sequence[Leftover]) -> int:
        return sum(one.frees(self._everything.isChecked()) for one in chosen)

    @Slot()
    def _on_remove(self) -> None:
        chosen, everything = self._table.chosen, self._everything.isChecked()
        size = size_text(self._frees_bytes(chosen))
        if not confirm_delete(self, f"Delete {size}? {_consequences(chosen, everything)}"):
            return
        folders, paths = [one.folder for one in chosen], self._paths
        self._is_deleting = True
        self._summary.setText(DELETING)
        self._foot.setEnabled(False)
        self._jobs.start(
            lambda cancel, _progress: remove(folders, paths, everything, cancel),
            finished=self._on_removed,
        )

    @Slot()
    def _on_removed(self) -> None:
        self._is_deleting = False
        self.enter()
        self._training.refresh()


def _consequences(chosen: Sequence[Leftover], everything: bool) -> str:
    """What the user loses and keeps."""
    said = []
    if any(one.state != "cache" for one in chosen):
        lost = "Charts, sample answers, comparisons and rows go, too. " if everything else ""
        kept = "Adapters" if everything else "The records of these trainings, their adapters"
        said.append(f"{lost}{kept} and the history stay.")
    if any(one.state == "cache" for one in chosen):
        said.append("What models wrote is written again when a training needs it.")
    if going_on := [one.name for one in chosen if one.can_go_on]:
        then = "not go on" if everything else "only start from the beginning, with the same rows"
        said.append(f"Unfinished: {', '.join(going_on)}; afterwards it can {then}.")
    return " ".join(said)
