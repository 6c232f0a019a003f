"""The answer under way: it goes on while another chat is in view."""

from __future__ import annotations

from app.pages.chat.turns import AnswerTurn
from core.events import GenerationEnded, GenerationEvent, PassDone
from core.history.records import ChatDetail, Turn


class LiveAnswer:
    """Collects the events of an answer and shows them where its chat is in view.

    Attributes:
        chat: The chat as it was when the answer began.
        run_id: Row of the history, None while (or if) there is none.
        note: What went wrong, empty for nothing.
    """

    def __init__(self, chat: ChatDetail) -> None:
        self.chat = chat
        self.run_id: str | None = None
        self.note = ""
        self._events: list[GenerationEvent] = []
        self._widget: AnswerTurn | None = None

    def show_in(self, widget: AnswerTurn) -> None:
        """Go on in this widget, with all that came so far."""
        self._widget = widget
        widget.begin()
        for event in self._events:
            widget.append(event)

    def hide(self) -> None:
        """Another chat is in view."""
        self._widget = None

    def append(self, event: GenerationEvent) -> None:
        """Take in the next event."""
        self._events.append(event)
        if self._widget is not None:
            self._widget.append(event)

    def finish(self) -> Turn | None:
        """The turn to keep; None if there is nothing in it."""
        text = "".join(one.text for one in self._events if isinstance(one, PassDone))
        last = self._events[-1] if self._events else None
        if isinstance(last, GenerationEnded):
            text = last.text
        turn = Turn("assistant", text, self.run_id)
        if self._widget is not None:
            self._widget.turn = turn
            self._widget.finish(self.note)
        return turn if text else None
