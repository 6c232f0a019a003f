"""Home: what this is, the starter model, the way to a training, and back to recent answers."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.assets import app_pixmap
from app.context import AppContext
from app.pages.home.at_work import AtWorkCard
from app.pages.home.pass_picture import PassPicture
from app.pages.home.recent import RecentCard
from app.pages.home.starter_card import StarterCard
from app.widgets.card import Card, ScrollPage
from app.widgets.text import SPACE, button, muted, title

LOGO_SIZE = 48


class HomePage(ScrollPage):
    """Where a new user begins.

    Signals:
        start_requested: Load the starter and go to the chat.
        starter_fetched: The starter is on this machine now.
        run_requested: Id of a run to open in the history.
        see_requested: Play the recorded race.
        teach_requested: Plan a training.
        training_requested: Folder of a training to show.
    """

    start_requested = Signal()
    starter_fetched = Signal()
    run_requested = Signal(str)
    see_requested = Signal()
    teach_requested = Signal()
    training_requested = Signal(object)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Home")
        self._logo = QLabel()
        self._starter = StarterCard(context)
        self._recent = RecentCard(context)
        at_work = AtWorkCard(context)
        at_work.training_requested.connect(self.training_requested)
        self.column.addLayout(self._head())
        self.column.addWidget(at_work)
        self.column.addWidget(self._picture_card())
        self.column.addWidget(self._starter)
        self.column.addWidget(self._teach_card())
        self.column.addWidget(self._recent)
        self._starter.start_requested.connect(self.start_requested)
        self._starter.fetched.connect(self.starter_fetched)
        self._recent.run_requested.connect(self.run_requested)

    def look(self) -> None:
        """Find out what is on this machine."""
        self._starter.look()

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(2 * SPACE)
        head.addWidget(self._logo, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(SPACE // 2)
        words.addWidget(title("Stride"))
        words.addWidget(
            muted(
                "Stride lets a language model on your own machine predict several tokens in one "
                "pass and shows you every pass as it happens. You decide how sure the model "
                "must be, while the answer flows; nothing you type leaves this machine."
            )
        )
        head.addLayout(words, 1)
        return head

    def _picture_card(self) -> Card:
        card = Card("How to read an answer")
        card.body.addWidget(PassPicture())
        see = button("See it: a recorded race", "race")
        see.clicked.connect(self.see_requested)
        _invite(
            card,
            "Each coloured block is what one pass of the model proposed; the figure is its size.",
            see,
        )
        return card

    def _teach_card(self) -> Card:
        card = Card("Teach it your documents")
        teach = button("New training", "train")
        teach.clicked.connect(self.teach_requested)
        _invite(
            card,
            "Drop a folder of your own files, say how long it may take, and get an adapter "
            "that decodes your domain in fewer passes.",
            teach,
        )
        return card

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._logo.setPixmap(app_pixmap(LOGO_SIZE, self.devicePixelRatioF()))


def _invite(card: Card, words: str, way: QPushButton) -> None:
    """Say on a card what its button leads to."""
    card.body.addWidget(muted(words))
    card.body.addWidget(way, 0, Qt.AlignmentFlag.AlignLeft)
