"""Fourth page: ready or not, what it will take, and the command that does the same."""

from __future__ import annotations

import dataclasses
import json

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget
from typing_extensions import override

from app.context import AppContext
from app.widgets.card import Card
from app.widgets.text import SPACE, body, button, clear_layout, heading, muted
from app.widgets.units import size_text
from app.wizard.page import WizardPage
from app.wizard.state import READING, WizardState
from app.wizard.summary import facts_of, needs_text, time_text
from core.paths import free_disk_bytes
from core.train.forecast import Forecast
from core.train.plan import command_line
from core.train.spec import TrainSpec

READY = "Ready"
UNFORECAST = "Ready, but without a forecast"
NOT_READY = "Not ready, because"
WORKING = "One moment …"
PROBING = "Measuring a few steps on this machine …"


class ReviewPage(WizardPage):
    """What will be done."""

    name = "Review"

    def __init__(
        self, context: AppContext, state: WizardState, parent: QWidget | None = None
    ) -> None:
        super().__init__(state, parent)
        self._context = context
        self._verdict = heading("")
        self._reasons = body()
        self._facts = QGridLayout()
        self._forecast = body()
        self._command = body()
        self._waits_for_files = False
        self._build()
        state.changed.connect(self._on_changed)
        self._show()

    def _build(self) -> None:
        first = Card()
        first.body.addWidget(self._verdict)
        first.body.addWidget(self._reasons)
        self._facts.setHorizontalSpacing(3 * SPACE)
        self._facts.setColumnStretch(1, 1)
        first.body.addLayout(self._facts)
        self.column.addWidget(first)
        second = Card("Forecast", "From a few steps of this training, measured on this machine.")
        second.body.addWidget(self._forecast)
        self.column.addWidget(second)
        third = Card("The same on the command line")
        third.body.addWidget(self._command)
        row = QHBoxLayout()
        copy, spec = button("Copy the command", "copy"), button("Copy the spec file", "copy")
        copy.clicked.connect(self._on_copy_command)
        spec.clicked.connect(self._on_copy_spec)
        row.addWidget(copy)
        row.addWidget(spec)
        row.addStretch(1)
        third.body.addLayout(row)
        self.column.addWidget(third)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_changed()

    @override
    def enter(self) -> None:
        # A draft of an earlier start has its files read anew; the forecast is one of these rows.
        self._waits_for_files = self.state.is_reading
        if not self._waits_for_files and not self.state.problems():
            self.state.make_plan()
        self._show()

    @property
    @override
    def missing(self) -> str:
        return " ".join(self._not_ready()) or self._awaited

    @property
    def _awaited(self) -> str:
        """What is not known yet, else ""."""
        if self._waits_for_files:
            return READING
        if self.state.plan is None:
            return WORKING
        # A run that began without its forecast could not be held against it.
        return PROBING if self.state.is_probing else ""

    def _not_ready(self) -> list[str]:
        reasons = self.state.problems()
        found = self.state.forecast
        if found is None:
            return reasons
        free = free_disk_bytes(self._context.paths.data)
        if found.disk_bytes > free:
            disk, there = size_text(found.disk_bytes), size_text(free)
            reasons.append(f"It needs {disk} of disk space, and {there} are free.")
        if lack := self._lack_of_memory(found):
            reasons.append(lack)
        return reasons

    def _lack_of_memory(self, found: Forecast) -> str:
        """Why it does not fit, else ""; behind another training it has that one's memory, too."""
        info = self._context.engine.info
        room = found.room_bytes
        if info is not None and info.device == found.device and not self.state.draft.keep_chatting:
            room += info.memory_bytes
        if self._context.training.at_work is not None or found.peak_bytes <= room:
            return ""
        return (
            f"It needs {size_text(found.peak_bytes)} of memory, and {size_text(room)} are free: "
            "close other programs, do not keep chatting meanwhile, or choose a smaller batch or "
            "context."
        )

    @property
    def _spec(self) -> TrainSpec | None:
        return self.state.plan.spec if self.state.plan is not None else None

    @Slot()
    def _on_changed(self) -> None:
        if self.isVisible() and self._waits_for_files and not self.state.is_reading:
            self.enter()
        else:
            self._show()

    def _show(self) -> None:
        if not self.isVisible():
            return
        reasons = self._not_ready()
        ready = UNFORECAST if self.state.unprobed else READY
        self._verdict.setText(NOT_READY if reasons else self._awaited or ready)
        self._reasons.setText("\n".join(reasons))
        self._reasons.setVisible(bool(reasons))
        spec = self._spec
        self._command.setText(command_line(spec) if spec else "—")
        self._show_facts(spec)
        self._forecast.setText(self._forecast_text())

    def _show_facts(self, spec: TrainSpec | None) -> None:
        clear_layout(self._facts)
        if spec is None:
            return
        facts = facts_of(spec, self.state.draft, self.state.look)
        for row, (name, value) in enumerate(facts.items()):
            self._facts.addWidget(muted(name), row, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(body(value), row, 1)

    def _forecast_text(self) -> str:
        if self.state.is_probing:
            return PROBING
        found, spec, look = self.state.forecast, self._spec, self.state.look
        if spec is None or spec.minutes is None or look is None:
            return "It comes once everything else is ready."
        time = time_text(spec.minutes * 60, self._context.training.at_work is None)
        needs = needs_text(found, look.preview.writes) if found else self.state.unprobed
        return f"{time}.\n{needs}"

    @Slot()
    def _on_copy_command(self) -> None:
        QGuiApplication.clipboard().setText(self._command.text())

    @Slot()
    def _on_copy_spec(self) -> None:
        spec = self._spec
        if spec is not None:
            text = json.dumps(dataclasses.asdict(spec), indent=2)
            QGuiApplication.clipboard().setText(text + "\n")
