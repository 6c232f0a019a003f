"""The card that says on Home that a training is at work, and leads to it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QProgressBar

from app.context import AppContext
from app.widgets.card import Card
from app.widgets.elided import ElidedLabel
from app.widgets.standing import standing_text
from app.widgets.text import button, heading, muted
from app.workers.run_lines import run_name
from core.train.progress import RunProgress


class AtWorkCard(Card):
    """Name and progress of the training at work; hidden while there is none.

    Signals:
        training_requested: Folder of the training whose page the user wants to see.
    """

    training_requested = Signal(object)

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.setAccessibleName("Training at work")
        self._folder = Path()
        self._name = ElidedLabel(heading(""))
        self._standing = muted()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the training")
        opened = button("Open the training", "train")
        opened.clicked.connect(self._on_open)
        for part in (self._name, self._standing, self._bar):
            self.body.addWidget(part)
        self.body.addWidget(opened, 0, Qt.AlignmentFlag.AlignLeft)
        context.training.progressed.connect(self._on_progressed)
        context.training.ended.connect(self.hide)
        self.hide()

    @Slot(object, object)
    def _on_progressed(self, folder: Path, progress: RunProgress) -> None:
        if folder != self._folder:  # its name lies on the disk
            self._folder = folder
            self._name.setText(f"Training at work: {run_name(folder)}")
        self._standing.setText(standing_text(progress))
        done, total = progress.done
        self._bar.setVisible(total > 0)
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self.show()

    @Slot()
    def _on_open(self) -> None:
        self.training_requested.emit(self._folder)
