"""Inspector: a recorded answer, replayed and looked at pass by pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

from PySide6.QtCore import QPoint, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.context import AppContext
from app.pages.inspect.panel import PassPanel
from app.pages.inspect.transport import Transport
from app.widgets.answer_view import AnswerView
from app.widgets.card import Card
from app.widgets.empty_state import EmptyState
from app.widgets.legend import ColourBox, Legend
from app.widgets.text import PAGE_MARGIN, SPACE, button, muted, title
from app.workers.jobs import Progress
from core.control import Cancel
from core.evaluate.traces import Trace, read_traces
from core.events import GenerationStarted
from core.metrics import answer_figures
from core.wording import many

NARROW = 900
"""Where the page is narrower the pass stands below the answer."""

PANEL_WIDTH = 400
LABEL_LENGTH = 60
FILE_FILTER = "Recorded answers (*.jsonl *.json)"
EMPTY = (
    "inspect",
    "Nothing to inspect yet",
    "Choose “Inspect” at an answer in the chat, in the history or after a race, or open a file: "
    "what `stride generate --json` printed, a race, or a run exported as JSON.",
    "Open a file…",
)


class InspectPage(QWidget):
    """Answer on the left, the pass on the right, below them what plays it.

    Signals:
        status_message: A sentence for the status bar.
    """

    status_message = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Inspector")
        self._context = context
        self._traces: Sequence[Trace] = ()
        self._choice = QComboBox()
        self._choice.setAccessibleName("Answer")
        self._choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._choice.setMinimumContentsLength(LABEL_LENGTH // 3)
        self._open = button("Open a file…", "folder")
        self._colours = ColourBox()
        self._legend = Legend()
        self._figures = muted()
        self._answer = AnswerView()
        self._panel = PassPanel()
        self._transport = Transport()
        self._empty = EmptyState(*EMPTY)
        self._stack = QStackedWidget()
        self._now = QRectF()
        self._build()
        self._empty.action_requested.connect(self.open_file)
        self._open.clicked.connect(self.open_file)
        self._choice.activated.connect(self._on_chosen)
        self._colours.mode_changed.connect(self._legend.set_mode)
        self._colours.mode_changed.connect(self._answer.set_colour_mode)
        self._answer.caret_moved.connect(self._scroll_to)
        self._answer.pass_clicked.connect(self._on_pass_clicked)
        self._transport.moved.connect(self._on_moved)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE)
        head.addWidget(title("Inspector"))
        head.addStretch(1)
        head.addWidget(self._choice)
        head.addWidget(self._open)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.setSpacing(2 * SPACE)
        self._body.addWidget(self._answer_card(), 1)
        self._pass_area = _scrolled(self._panel)
        self._body.addWidget(self._pass_area)
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        column.addLayout(self._body, 1)
        column.addWidget(self._transport)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(shown)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(PAGE_MARGIN,) * 4)
        layout.setSpacing(2 * SPACE)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)
        self._choice.hide()
        self._open.hide()

    def _answer_card(self) -> Card:
        card = Card()
        row = QHBoxLayout()
        row.addWidget(self._figures, 1)
        row.addWidget(self._colours)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, SPACE, 0)
        column.addWidget(self._answer)
        column.addStretch(1)
        self._holder = holder
        self._area = _scrolled(holder)
        # The range grows with what was laid out, a little later.
        self._area.verticalScrollBar().rangeChanged.connect(self._follow)
        card.body.addLayout(row)
        card.body.addWidget(self._legend)
        card.body.addWidget(self._area, 1)
        return card

    def show_traces(self, traces: Sequence[Trace]) -> None:
        """Show the recorded answers that have passes, the first one opened."""
        self._traces = [one for one in traces if one.passes]
        if not self._traces:
            return
        self._choice.clear()
        for trace in self._traces:
            self._choice.addItem(_short(trace.label))
        for part in (self._choice, self._open):
            part.show()
        self._stack.setCurrentIndex(1)
        self._on_chosen(0)
        self._transport.take_focus()

    @Slot()
    def open_file(self) -> None:
        """Ask for a file with recorded answers."""
        name, _ = QFileDialog.getOpenFileName(self, "Open recorded answers", "", FILE_FILTER)
        if name:
            self.read(Path(name))

    def read(self, path: Path) -> None:
        """Read a file with recorded answers and show them."""

        def work(_cancel: Cancel, _progress: Progress) -> tuple[Trace, ...]:
            return read_traces(path)

        self._context.jobs.start(work, self._on_read)

    @Slot(object)
    def _on_read(self, traces: tuple[Trace, ...]) -> None:
        self.show_traces(traces)
        self.status_message.emit(f"{many(len(traces), 'answer')} opened.")

    @Slot(int)
    def _on_chosen(self, number: int) -> None:
        trace = self._traces[number]
        passes = trace.passes
        ends = list(accumulate(one.seconds for one in passes))
        figures = answer_figures(passes)
        self._figures.setText(
            f"{figures.tokens} tokens in {figures.passes} passes  ·  "
            f"{figures.tokens_per_pass:.2f} tokens per pass  ·  "
            f"{figures.tokens_per_second:.1f} tokens a second"
        )
        self._answer.show_trace(trace.events)
        started = trace.events[0]
        assert isinstance(started, GenerationStarted)
        has_threshold = started.strategy == "confadapt"
        self._panel.prepare(passes, [0.0, *ends[:-1]], has_threshold=has_threshold)
        self._transport.prepare(ends)

    @Slot(int)
    def _on_pass_clicked(self, place: int) -> None:
        self._transport.go_to(place + 1)
        self._transport.take_focus()  # in the text the arrows would move its caret

    @Slot(int)
    def _on_moved(self, count: int) -> None:
        self._now = self._answer.show_up_to(count)
        self._panel.show_pass(max(count - 1, 0))
        self._follow()

    @Slot()
    def _follow(self) -> None:
        self._scroll_to(self._now)

    @Slot(QRectF)
    def _scroll_to(self, rect: QRectF) -> None:
        at = self._answer.mapTo(
            self._holder, QPoint(round(rect.center().x()), round(rect.bottom()))
        )
        self._area.ensureVisible(at.x(), at.y(), 0, 60)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no part of the page takes for itself plays the answer."""
        moves: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Space: self._transport.toggle,
            Qt.Key.Key_Left: self._transport.back,
            Qt.Key.Key_Right: self._transport.forth,
            Qt.Key.Key_Home: self._transport.to_first,
            Qt.Key.Key_End: self._transport.to_last,
        }
        move = moves.get(event.key())
        if move is None or self._stack.currentIndex() == 0:
            super().keyPressEvent(event)
        else:
            move()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < NARROW
        down, right = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._body.setDirection(down if is_narrow else right)
        self._pass_area.setMinimumWidth(0 if is_narrow else PANEL_WIDTH)
        self._pass_area.setMaximumWidth(self.width() if is_narrow else PANEL_WIDTH)


def _scrolled(content: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    area.viewport().setAutoFillBackground(False)
    content.setAutoFillBackground(False)
    return area


def _short(label: str) -> str:
    """The first line of a label, cut where it is long."""
    line = label.strip().partition("\n")[0]
    return line if len(line) <= LABEL_LENGTH else f"{line[: LABEL_LENGTH - 1]}…"
