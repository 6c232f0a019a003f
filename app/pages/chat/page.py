"""The chat page: chats on the left, the conversation and what steers it on the right."""

from __future__ import annotations

import dataclasses

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.pages.chat.chat_list import ChatList
from app.pages.chat.chats import Chats
from app.pages.chat.composer import Composer
from app.pages.chat.conversation import Conversation
from app.pages.chat.header import ChatHeader
from app.pages.chat.live import LiveAnswer
from app.pages.chat.suggestions import Suggestions
from app.pages.chat.turns import AnswerTurn
from app.widgets.card import CONTENT_WIDTH
from app.widgets.empty_state import EmptyState
from app.widgets.text import PAGE_MARGIN, SPACE
from core.engine.request import Message, Request, SessionInfo
from core.errors import KnownError
from core.events import GenerationEvent, Proposer
from core.history.records import ChatDetail, Turn


class ChatPage(QWidget):
    """Several chats with the loaded model.

    Signals:
        status_message: A sentence for the status bar.
        load_requested: The user wants to choose a model.
    """

    status_message = Signal(str)
    load_requested = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._engine = context.engine
        settings = context.settings.value
        self.chats = Chats(context.history, context.jobs, self)
        self.list = ChatList(self.chats)
        self.header = ChatHeader(settings.threshold, settings.max_new_tokens)
        self.conversation = Conversation()
        self.composer = Composer()
        self._suggestions = Suggestions()
        self._no_model = EmptyState(
            "model",
            "No model is loaded",
            "Choose a model at the top of the window and press Load, or fetch the starter on Home.",
            "Go to Home",
        )
        self._live: LiveAnswer | None = None
        self._chat: ChatDetail = self.chats.new(settings.system_prompt)
        self._lay_out()
        self._connect()
        self._engine.set_threshold(settings.threshold)
        self.header.proposals.choose(settings.proposals)
        if settings.exact:
            self.header.slider.set_exact()
        self._show_chat()

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        for widget in (self.conversation, self._suggestions, self._no_model):
            self._stack.addWidget(widget)
        writing = QHBoxLayout()
        writing.setContentsMargins(PAGE_MARGIN, 0, PAGE_MARGIN, 2 * SPACE)
        self.composer.setMaximumWidth(CONTENT_WIDTH)
        writing.addStretch(1)
        writing.addWidget(self.composer, 100)
        writing.addStretch(1)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._stack, 1)
        column.addLayout(writing)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.list)
        splitter.addWidget(right)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([230, 900])
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _connect(self) -> None:
        self.chats.exported.connect(self.status_message)
        self.chats.failed.connect(self._on_chats_failed)
        self.list.new_requested.connect(self.new_chat)
        self.list.opened.connect(self.open_chat)
        self.list.deleted.connect(self._on_deleted)
        self.header.slider.threshold_changed.connect(self._engine.set_threshold)
        self.header.slider.exact_chosen.connect(self._engine.set_exact)
        self.header.slider.settled.connect(self._on_threshold_settled)
        self.header.proposals.chosen.connect(self._on_proposer_chosen)
        self.header.colour_mode_changed.connect(self.conversation.set_colour_mode)
        self.header.system_changed.connect(self._on_system_changed)
        self.header.max_new_tokens.editingFinished.connect(self._on_length_settled)
        self.conversation.fill_requested.connect(self._on_fill)
        self.conversation.edited.connect(self._on_edited)
        self.conversation.regenerate_requested.connect(self._answer_at)
        self.composer.send_requested.connect(self.send)
        self.composer.stop_requested.connect(self._engine.cancel)
        self._suggestions.chosen.connect(self._on_suggestion)
        self._no_model.action_requested.connect(self.load_requested)
        engine = self._engine
        engine.loaded.connect(self._on_loaded)
        engine.unloaded.connect(self._update_state)
        engine.loading.connect(self._update_state)
        engine.started_answer.connect(self._on_started)
        engine.warned.connect(self.status_message)
        engine.answer_event.connect(self._on_event)
        engine.failed.connect(self._on_failed)
        engine.finished.connect(self._on_finished)

    # What the window calls

    @Slot()
    def new_chat(self) -> None:
        """Begin an empty chat."""
        self._chat = self.chats.new(self._chat.system)
        self._show_chat()
        self.composer.setFocus()

    @Slot(str)
    def open_chat(self, chat_id: str) -> None:
        """Show a chat of the list."""
        chat = self.chats.get(chat_id)
        if chat is not None:
            self._chat = chat
            self._show_chat()

    @Slot()
    def regenerate(self) -> None:
        """Answer the last turn of the user again."""
        users = [number for number, turn in enumerate(self._chat.turns) if turn.role == "user"]
        if users:
            self._answer_at(users[-1] + 1)

    @Slot(str)
    def send(self, text: str) -> None:
        """Add a turn of the user's and answer it."""
        if not self._engine.is_ready:
            self.status_message.emit("Load a model first.")
            return
        self._set_turns((*self._chat.turns, Turn("user", text)))
        self._answer_at(len(self._chat.turns))

    # The answer under way

    @Slot(int)
    def _answer_at(self, number: int) -> None:
        """Give the turn of this number anew; what came after it goes."""
        if not self._engine.is_ready:
            self.status_message.emit("Load a model first, or wait for the answer under way.")
            return
        self._set_turns(self._chat.turns[:number])
        self._chat = self.chats.save(dataclasses.replace(self._chat, system=self.header.system))
        self.list.set_current(self._chat.id)
        self._live = LiveAnswer(self._chat)
        self._show_live()
        self.conversation.follow()
        self._engine.generate(self._request(), self._chat.id)
        self._update_state()

    def _set_turns(self, turns: tuple[Turn, ...]) -> None:
        """Show these turns, keeping the widgets of those that stay."""
        same = 0
        for old, new in zip(self._chat.turns, turns, strict=False):
            if old != new:
                break
            same += 1
        self.conversation.cut(same)
        for turn in turns[same:]:
            self.conversation.add(turn)
        self._chat = dataclasses.replace(self._chat, turns=turns)

    def _request(self) -> Request:
        system = self.header.system
        first = (Message("system", system),) if system else ()
        turns = tuple(Message(turn.role, turn.content) for turn in self._chat.turns)
        return Request(
            messages=(*first, *turns),
            strategy=self.header.proposals.strategy,
            k_max=self.header.k_max,
            max_new_tokens=self.header.max_new_tokens.value(),
        )

    def _show_live(self) -> None:
        """Give the answer under way its place at the end of its chat."""
        assert self._live is not None
        widget = self.conversation.add(Turn("assistant", ""))
        assert isinstance(widget, AnswerTurn)
        self._live.show_in(widget)

    @Slot(str)
    def _on_started(self, run_id: str) -> None:
        if self._live is not None:
            self._live.run_id = run_id or None
        if not run_id:
            self.status_message.emit("This answer is not recorded: the history is not open.")

    @Slot(object)
    def _on_event(self, event: GenerationEvent) -> None:
        if self._live is not None:
            self._live.append(event)

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        if self._live is not None:
            self._live.note = f"interrupted: {error}"
        self._update_state()

    @Slot()
    def _on_finished(self) -> None:
        live, self._live = self._live, None
        if live is None:
            return
        chat = self.chats.get(live.chat.id)
        turn = live.finish()
        if chat is not None and turn is not None:
            chat = self.chats.save(dataclasses.replace(chat, turns=(*live.chat.turns, turn)))
            if chat.id == self._chat.id:
                self._chat = chat
        self._update_state()

    # The chat in view

    def _show_chat(self) -> None:
        self.list.set_current(self._chat.id)
        self.header.set_system(self._chat.system)
        if self._live is not None:
            self._live.hide()
        self.conversation.show_turns(self._chat.turns)
        if self._live is not None and self._live.chat.id == self._chat.id:
            self._show_live()
            self.conversation.follow()
        self._update_state()

    @Slot()
    def _update_state(self) -> None:
        engine = self._engine
        self.composer.set_state(is_ready=engine.is_ready, is_answering=engine.is_answering)
        if self.conversation.turns:
            self._stack.setCurrentWidget(self.conversation)
        elif engine.info is None and not engine.is_loading:
            self._stack.setCurrentWidget(self._no_model)
        else:
            self._stack.setCurrentWidget(self._suggestions)

    @Slot(object)
    def _on_loaded(self, info: SessionInfo) -> None:
        self.header.show_session(info)
        self._update_state()

    @Slot(object)
    def _on_fill(self, turn: AnswerTurn) -> None:
        run_id, store = turn.turn.run_id, self._context.history.store
        if run_id is None or store is None:
            turn.fill(())
            return
        self._context.jobs.start(
            lambda _cancel, _progress: store.trace(run_id), turn.fill, turn.fill_plain
        )

    @Slot(int, str)
    def _on_edited(self, number: int, text: str) -> None:
        if not self._engine.is_ready:
            self.status_message.emit("Load a model first, or wait for the answer under way.")
            return
        self._set_turns((*self._chat.turns[:number], Turn("user", text)))
        self._answer_at(number + 1)

    @Slot(str)
    def _on_suggestion(self, prompt: str) -> None:
        if self._engine.is_ready:
            self.send(prompt)
        else:
            self.composer.set_text(prompt)

    @Slot(str)
    def _on_deleted(self, chat_id: str) -> None:
        if self._live is not None and self._live.chat.id == chat_id:
            self._live = None  # else its end would bring the chat back
            self._engine.cancel()
        if chat_id == self._chat.id:
            self.new_chat()

    @Slot(str)
    def _on_system_changed(self, text: str) -> None:
        self._chat = dataclasses.replace(self._chat, system=text)

    @Slot(float)
    def _on_threshold_settled(self, threshold: float) -> None:
        exact = self.header.slider.is_exact
        self._context.settings.update(threshold=threshold, exact=exact)

    @Slot(str)
    def _on_proposer_chosen(self, proposer: Proposer) -> None:
        self._context.settings.update(proposals=proposer)

    @Slot()
    def _on_length_settled(self) -> None:
        self._context.settings.update(max_new_tokens=self.header.max_new_tokens.value())

    @Slot(object)
    def _on_chats_failed(self, error: KnownError) -> None:
        self.status_message.emit(str(error))
