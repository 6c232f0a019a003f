"""Where two answers differ: one text, with the words that only one of them has marked."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, Qt
from typing_extensions import override

from app.theme import data_colours, is_dark
from app.widgets.card import Card
from app.widgets.text import body, muted
from core.evaluate.race.differences import Stretch, differing_words, word_diff


class Differences(Card):
    """The words of both answers in one text; the marks are told apart without colour, too."""

    def __init__(self) -> None:
        super().__init__("Where the answers differ")
        self._stretches: tuple[Stretch, ...] = ()
        self._legend = muted()
        self._text = body()
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self.body.addWidget(self._legend)
        self.body.addWidget(self._text)

    @property
    def is_empty(self) -> bool:
        """Whether no word differs."""
        return not differing_words(self._stretches)[0]

    def show_answers(self, labels: tuple[str, str], first: str, second: str) -> None:
        """Compare two answers, which are called by their labels."""
        self._stretches = word_diff(first, second)
        self._legend.setText(f"Struck through: only {labels[0]}. Underlined: only {labels[1]}.")
        self._paint()

    def _paint(self) -> None:
        colours = data_colours(is_dark(self.palette()))
        styles = {
            "first": f"color:{colours.bad}; text-decoration:line-through",
            "second": f"color:{colours.good}; text-decoration:underline",
            "both": "",
        }
        spans = (
            f'<span style="{styles[one.owner]}">{_shown(one)}</span>' for one in self._stretches
        )
        self._text.setText(" ".join(spans))

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint()


def _shown(stretch: Stretch) -> str:
    return escape(" ".join(stretch.words)).replace("\n", "<br>")
