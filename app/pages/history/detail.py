"""One run, opened: what was asked, the answer in its blocks, figures, settings, machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.pages.history.table import KIND_WORDS, STATE_WORDS
from app.pages.history.training_facts import training_facts
from app.widgets.answer_figures import STOP_REASONS
from app.widgets.answer_view import AnswerView
from app.widgets.legend import ColourBox, Legend
from app.widgets.text import SPACE, body, button, clear_layout, heading, line, muted
from app.widgets.units import moment_text
from app.widgets.what_if import WhatIf
from core.evaluate.traces import Trace
from core.events import GenerationEvent
from core.history.records import RunDetail

EMPTY: tuple[object, ...] = (None, "", [], {}, ())
INTERRUPTED_NOTE = "This answer was cut off; what had arrived is kept."

FIGURES = (
    ("tokens_per_pass", "Tokens per pass", "{:.2f}"),
    ("tokens_per_second", "Tokens a second", "{:.1f}"),
    ("tokens", "Tokens", "{:.0f}"),
    ("passes", "Passes", "{:.0f}"),
    ("prefill_seconds", "Prefill", "{:.2f} s"),
    ("threshold", "Threshold", "{:.2f}"),
    ("k_max", "k_max", "{:.0f}"),
)


@dataclass(frozen=True)
class OpenedRun:
    """A run with its whole trace, as a pool thread read it."""

    run: RunDetail
    events: tuple[GenerationEvent, ...]


class RunView(QWidget):
    """Shows one run.

    Signals:
        chat_requested: The user wants to go on in the run's chat.
        training_requested: Folder of the training whose page the user wants to see.
        inspect_requested: The `Trace` of an answer, in a list, to be looked at pass by pass.
        export_requested: The user wants this run as a file.
        delete_requested: The user wants this run gone.
    """

    chat_requested = Signal(str)
    training_requested = Signal(object)
    inspect_requested = Signal(object)
    export_requested = Signal()
    delete_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chat_id, self._folder = "", Path()
        self._title = heading("")
        self._subtitle = muted()
        self._note = muted(INTERRUPTED_NOTE)
        self._prompt = body()
        self._asked = QWidget()
        self._answer = AnswerView()
        self._table = _fixed_text()
        self._colours = ColourBox()
        self._legend = Legend()
        self._colours.mode_changed.connect(self._legend.set_mode)
        self._colours.mode_changed.connect(self._answer.set_colour_mode)
        self._what_if = WhatIf(self._answer)
        self._error = body()
        self._figures = QGridLayout()
        self._facts = QGridLayout()
        self._chat = button("Open in chat", "chat")
        self._chat.clicked.connect(self._on_chat)
        self._training = button("Open the training", "train")
        self._training.clicked.connect(self._on_training)
        self._inspect = button("Inspect", "inspect")
        self._inspect.clicked.connect(self._on_inspect)
        self._build()

    def _build(self) -> None:
        self._build_asked()
        content = QWidget()
        content.setProperty("role", "page")
        column = QVBoxLayout(content)
        column.setContentsMargins(SPACE, 0, SPACE, SPACE)
        column.setSpacing(3 * SPACE // 2)
        column.setAlignment(Qt.AlignmentFlag.AlignTop)
        for part in (self._title, self._subtitle, self._note):
            column.addWidget(part)
        column.addLayout(self._buttons())
        column.addWidget(line())
        column.addLayout(self._figures)
        column.addWidget(self._asked)
        column.addWidget(self._legend)
        column.addWidget(self._answer)
        column.addWidget(self._table)
        column.addWidget(self._what_if)
        column.addWidget(self._what_if.button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._error)
        column.addWidget(line())
        column.addLayout(self._facts)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        export = button("Export…", "export")
        export.clicked.connect(self.export_requested)
        delete = button("Delete", "trash")
        delete.clicked.connect(self.delete_requested)
        for one in (self._chat, self._training, self._inspect, export, delete):
            row.addWidget(one)
        row.addStretch(1)
        return row

    def _build_asked(self) -> None:
        """The prompt and the head of its answer."""
        column, row = QVBoxLayout(self._asked), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3 * SPACE // 2)
        column.addWidget(muted("Prompt"))
        column.addWidget(self._prompt)
        row.addWidget(muted("Answer"), 1)
        row.addWidget(self._colours)
        column.addLayout(row)

    def show_run(self, opened: OpenedRun) -> None:
        """Show a run in place of the last one."""
        run = opened.run
        self._chat_id = run.chat_id or ""
        self._chat.setVisible(bool(self._chat_id))
        self._title.setText(run.title or KIND_WORDS[run.kind])
        words = (
            KIND_WORDS[run.kind],
            STATE_WORDS[run.state].lower(),
            moment_text(run.created_at, time.time()),
            run.model,
            run.adapter or "no adapter",
        )
        self._subtitle.setText("  ·  ".join(words))
        self._note.setVisible(run.kind == "answer" and run.state == "interrupted")
        is_training = run.kind == "training"
        self._folder = Path(run.run_dir or "")
        self._training.setVisible(bool(is_training and run.run_dir) and self._folder.is_dir())
        self._asked.setVisible(not is_training)
        self._prompt.setText(run.prompt or "—")
        for part in (self._colours, self._legend, self._answer):
            part.setVisible(bool(opened.events))
        self._answer.show_trace(opened.events)
        self._show_table(run.answer if run.kind == "bench" else "")
        self._inspect.setVisible(bool(self._answer.passes))
        self._what_if.offer()
        self._error.setText(str(run.summary.get("error", "")))
        self._error.setVisible(bool(self._error.text()))
        self._show_figures(run)
        self._show_facts(run)

    def _show_table(self, text: str) -> None:
        """The table of a bench, all of its lines in sight."""
        self._table.setPlainText(text)
        self._table.setVisible(bool(text))
        lines = text.count("\n") + 3  # one for the scroll bar, one for the margins
        self._table.setFixedHeight(lines * self._table.fontMetrics().lineSpacing())

    def _show_figures(self, run: RunDetail) -> None:
        clear_layout(self._figures)
        known = [
            (label, form.format(run.summary[name]))
            for name, label, form in FIGURES
            if isinstance(run.summary.get(name), int | float)
        ]
        for place, (label, text) in enumerate(known):
            row, column = divmod(place, 4)
            cell = QVBoxLayout()
            cell.setSpacing(0)
            cell.addWidget(muted(label))
            cell.addWidget(heading(text))
            self._figures.addLayout(cell, row, column)

    def _show_facts(self, run: RunDetail) -> None:
        clear_layout(self._facts)
        self._facts.setHorizontalSpacing(3 * SPACE)
        self._facts.setColumnStretch(1, 1)
        facts = {
            "Run": run.id,
            "From": "the app" if run.source == "app" else "the command line",
            **(training_facts(run) if run.kind == "training" else _facts_of(run)),
        }
        for row, (name, value) in enumerate((k, v) for k, v in facts.items() if v not in EMPTY):
            head = muted(name)
            head.setWordWrap(False)
            self._facts.addWidget(head, row, 0, Qt.AlignmentFlag.AlignTop)
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            self._facts.addWidget(body(text), row, 1)

    @Slot()
    def _on_chat(self) -> None:
        self.chat_requested.emit(self._chat_id)

    @Slot()
    def _on_training(self) -> None:
        self.training_requested.emit(self._folder)

    @Slot()
    def _on_inspect(self) -> None:
        self.inspect_requested.emit([Trace(self._title.text(), self._answer.events)])


def _fixed_text() -> QPlainTextEdit:
    text = QPlainTextEdit(readOnly=True, lineWrapMode=QPlainTextEdit.LineWrapMode.NoWrap)
    text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    text.setAccessibleName("Table of the benchmark")
    text.setTabChangesFocus(True)
    return text


def _facts_of(run: RunDetail) -> dict[str, Any]:
    return {
        "Stop reason": STOP_REASONS.get(run.summary.get("stop_reason") or ""),
        "MTP off": run.summary.get("mtp_off_reason"),
        "Folder": run.run_dir,
        **{_words(key): value for key, value in run.settings.items()},
        **{_words(key): value for key, value in run.machine.items()},
    }


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
