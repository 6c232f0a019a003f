"""What reading the files found: a line for each, rows as the model reads them, lengths."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.theme import data_colours, is_dark
from app.widgets.card import Card
from app.widgets.text import SPACE, body, clear_layout, heading, muted
from core.documents.report import FileReport
from core.train.passages import MOST_ASKED, PASSAGE_WORDS
from core.train.preview import Look, Preview
from core.train.rendered import RenderedRow, shortened
from core.train.spec import Passages
from core.wording import many

COLUMNS = ("File", "State", "Rows", "Words", "Tokens", "What was found")
NUMBERS = range(2, 5)
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
SHOWN_FILES = 200
TABLE_HEIGHT = 210
BAR_HEIGHT, BAR_WORDS = 18, 90
PASSAGES: dict[Passages, str] = {
    "text": "They are learned from as they are.",
    "both": f"They are learned from, and so are chats about them ({MOST_ASKED:,} at most): the "
    "model asks and answers.",
    "chats": f"The model asks about them ({MOST_ASKED:,} at most) and answers, and these chats are "
    "learned from. If it finds questions for half of them or fewer, the passages are, too.",
}


class LookView(QWidget):
    """Three cards; hidden while there is nothing to show.

    Args:
        confirmation: What the user says of the rows, which stands below them.
    """

    def __init__(self, confirmation: QWidget) -> None:
        super().__init__()
        self._look: Look | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * SPACE)
        self._report = Card("What was found")
        self._summary = body()
        self._table = _table()
        self._report.body.addWidget(self._summary)
        self._report.body.addWidget(self._table)
        self._rows = Card(
            "As the model will read it",
            "Some rows with the model's own template. It learns from the marked part, whose "
            "first token is always the model's own; the rest is only read.",
        )
        self._passages = muted()
        self._rows.body.addWidget(self._passages)
        self._texts = QVBoxLayout()
        self._rows.body.addLayout(self._texts)
        self._rows.body.addWidget(confirmation)
        self._lengths = Card("Lengths in tokens, with the model's template")
        self._bars = LengthBars()
        self._cut = muted()
        self._lengths.body.addWidget(self._bars)
        self._lengths.body.addWidget(self._cut)
        for card in (self._report, self._rows, self._lengths):
            layout.addWidget(card)
        self.clear()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._look is not None:
            look, self._look = self._look, None
            self.show_look(look)

    def clear(self) -> None:
        """Show nothing."""
        self._look = None
        for card in (self._report, self._rows, self._lengths):
            card.hide()

    @property
    def is_empty(self) -> bool:
        """Whether it shows nothing."""
        return self._report.isHidden()

    @Slot(int)
    def show_reading(self, rows: int) -> None:
        """Say how far the reading is."""
        self.clear()
        self._report.show()
        self._table.hide()
        self._summary.setText(f"Reading … {many(rows, 'row')} so far.")

    def show_problem(self, sentence: str) -> None:
        """Say why nothing could be read."""
        self.clear()
        self._report.show()
        self._table.hide()
        self._summary.setText(sentence)

    def show_look(self, look: Look) -> None:
        """Show everything; what is shown already stays as it is, selection and all."""
        if look is self._look:
            return
        self._look = look
        self._report.show()
        self._table.show()
        self._summary.setText(look.report.summary())
        preview = look.preview
        _fill(self._table, look.report.files, preview)
        self._rows.setVisible(bool(preview.rendered))
        self._passages.setVisible(bool(preview.texts))
        self._passages.setText(_passages_text(preview.passages))
        clear_layout(self._texts)
        for row in preview.rendered:
            self._texts.addWidget(heading(row.about[:1].upper() + row.about[1:]))
            self._texts.addWidget(muted(row.source))
            self._texts.addWidget(_rendered(row, is_dark(self.palette())))
        self._lengths.setVisible(bool(preview.lengths))
        self._bars.show_lengths(preview.histogram)
        self._cut.setText(preview.about_lengths)


class LengthBars(QWidget):
    """A histogram of lengths, each bin with its name and count."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bins: list[tuple[str, int]] = []

    def show_lengths(self, bins: list[tuple[str, int]]) -> None:
        """Show other bins."""
        self._bins = bins
        self.setFixedHeight(max(1, len(bins)) * (BAR_HEIGHT + 4))
        self.setAccessibleName("Lengths: " + ", ".join(f"{name} {count}" for name, count in bins))
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        bar = self.palette().color(QPalette.ColorRole.Highlight)
        most = max((count for _, count in self._bins), default=1)
        room = self.width() - 2 * BAR_WORDS
        align = Qt.AlignmentFlag.AlignVCenter
        for number, (name, count) in enumerate(self._bins):
            top = number * (BAR_HEIGHT + 4)
            painter.setPen(text)
            right = align | Qt.AlignmentFlag.AlignRight
            painter.drawText(0, top, BAR_WORDS - SPACE, BAR_HEIGHT, right, name)
            width = max(2, room * count // most) if count else 0
            painter.fillRect(BAR_WORDS, top + 2, width, BAR_HEIGHT - 4, bar)
            painter.drawText(
                BAR_WORDS + width + SPACE, top, BAR_WORDS, BAR_HEIGHT, align, f"{count:,}"
            )


def _table() -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS))
    for column, name in enumerate(COLUMNS):
        head = QTableWidgetItem(name)
        head.setTextAlignment(RIGHT if column in NUMBERS else LEFT)
        table.setHorizontalHeaderItem(column, head)
    table.setAccessibleName("Report on the files")
    table.setTabKeyNavigation(False)  # Tab leads on; the arrow keys go through the table
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setMinimumHeight(TABLE_HEIGHT)
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
    return table


def _fill(table: QTableWidget, files: list[FileReport], preview: Preview) -> None:
    shown = sorted(files, key=lambda file: file.state == "read")[:SHOWN_FILES]
    table.setRowCount(len(shown))
    for row, file in enumerate(shown):
        numbers = (file.rows, file.words, preview.tokens_of(file))
        told = (file.file, file.state, *(f"{number:,}" for number in numbers), _found_text(file))
        for column, text in enumerate(told):
            item = QTableWidgetItem(text)
            item.setToolTip("\n".join(file.told) or text)
            item.setTextAlignment(RIGHT if column in NUMBERS else LEFT)
            table.setItem(row, column, item)


def _found_text(file: FileReport) -> str:
    more = len(file.told) - 1
    return f"{file.told[0]} (and {more} more)" if more > 0 else "".join(file.told)


def _passages_text(passages: Passages) -> str:
    cut = f"Texts are cut into passages of at most {PASSAGE_WORDS} words."
    return f"{cut} {PASSAGES[passages]}"


def _rendered(row: RenderedRow, dark: bool) -> QLabel:
    """A row with the part that is learned from on a coloured ground."""
    ground = QColor(data_colours(dark).blocks[0]).name()
    given, learned = shortened(row.given), shortened(row.learned)
    label = QLabel(
        f'<div style="white-space: pre-wrap">{escape(given)}'
        f'<span style="background-color: {ground}">{escape(learned)}</span></div>'
    )
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setAccessibleName(f"Read: {given} Learned from: {learned}")
    return label
