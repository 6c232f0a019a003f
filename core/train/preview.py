"""What the model will see of documents: rows rendered token by token, and how long they are.

Texts are cut into passages as a training cuts them. What the model is yet to write about these,
its questions and answers, can only be announced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from core.documents.process import read_documents
from core.documents.records import ColumnMap, Row
from core.documents.report import Report
from core.engine.prompt import render
from core.errors import KnownError
from core.train.data import to_samples
from core.train.passages import MOST_ASKED, into_passages, is_asked_about, question_row
from core.train.spec import ANSWER_TOKENS, Passages, TrainSpec

SHOWN_ROWS = 3
COUNTED_ROWS = 2000
"""Chats and passages whose tokens are counted; of more the first ones stand for all."""
TEMPLATE_TOKENS, TURN_TOKENS = 32, 8
"""What a model's template puts before a chat and around each turn, about."""
BINS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)

Becomes = Literal["learned", "answered", "asked about", "too short"]
ABOUT: dict[Becomes, str] = {
    "answered": "the model writes the answer first",
    "asked about": "the model first writes a question about this passage, and the answer",
    "too short": "too short for a question; learned from only if the passages are",
}


@dataclass(frozen=True)
class RenderedRow:
    """One row exactly as the model reads it, template applied and cut to the context.

    Attributes:
        given: Text that is only read.
        learned: Text behind it, at whose tokens the adapter is trained.
        tokens: Length of both together.
        becomes: "learned" as it is; "answered" or "asked about" by the model first, so that
            nothing is `learned` yet; a passage "too short" to be asked about.
    """

    given: str
    learned: str
    tokens: int
    becomes: Becomes = "learned"

    @property
    def about(self) -> str:
        """What becomes of it, in words; of what is learned as it is the length."""
        return ABOUT.get(self.becomes, f"{self.tokens} tokens")


@dataclass
class Preview:
    """Rows as they stream past, seen with a model's tokenizer.

    Args:
        tokenizer: Of the model to train.
        end_id: Token put behind a complete answer.
        context: Tokens a row is cut to.
        passages: As in `TrainSpec`.

    Attributes:
        lengths: Tokens of each counted chat and passage, uncut.
        rows: Rows of the files.
        pieces: Chats and pairs among them, and the passages of the texts.
        unanswered: Rows that the model answers first.
        texts: Rows of plain text.
    """

    tokenizer: Any
    end_id: int | None
    context: int
    passages: Passages = TrainSpec.passages
    lengths: list[int] = field(default_factory=list)
    rows: int = 0
    pieces: int = 0
    unanswered: int = 0
    texts: int = 0
    _mapped: list[RenderedRow] = field(default_factory=list)
    _others: list[RenderedRow] = field(default_factory=list)
    _asked: int = 0
    _longest: int = 0
    _tokens: int = 0
    _text_tokens: int = 0
    _chat_tokens: int = 0

    def add(self, row: Row, is_mapped: bool = False) -> None:
        """Look at one more row.

        Args:
            row: Of a file.
            is_mapped: Whether it was made of chosen columns: such rows are shown first.
        """
        self.rows += 1
        self.unanswered += row.lacks_answer
        self.texts += not row.messages
        shown = self._mapped if is_mapped else self._others
        for piece in into_passages([row]):
            self.pieces += 1
            if len(shown) < SHOWN_ROWS:
                shown += self._render(piece)
            if len(self.lengths) < COUNTED_ROWS:
                self._count(piece)

    @property
    def rendered(self) -> list[RenderedRow]:
        """The first rows."""
        return [*self._mapped, *self._others][:SHOWN_ROWS]

    @property
    def writes(self) -> bool:
        """Whether the model writes questions or answers before it trains."""
        return bool(self.unanswered or self._asked)

    @property
    def cut(self) -> int:
        """Counted chats and passages that are longer than the context."""
        return sum(length > self.context for length in self.lengths)

    @property
    def longest(self) -> int:
        """Tokens of the longest row that is trained on, about."""
        if self._asked or self.pieces > len(self.lengths):
            return self.context  # chats about passages are yet to be written, pieces uncounted
        return min(self.context, self._longest)

    @property
    def tokens(self) -> int:
        """Tokens of all rows that are trained on, about."""
        scale = self.pieces / max(1, len(self.lengths))
        texts_stay = self.passages != "chats" or not self._asked
        known = self._tokens + (self._text_tokens if texts_stay else 0)
        asked = min(self._asked * scale, MOST_ASKED)
        return int(known * scale + asked * self._chat_tokens / max(1, self._asked))

    @property
    def histogram(self) -> list[tuple[str, int]]:
        """Counted chats and passages by length, from the shortest bin in use to the longest."""
        return length_histogram(self.lengths)

    def _is_asked_about(self, piece: Row) -> bool:
        return not piece.messages and self.passages != "text" and is_asked_about(piece)

    def _render(self, piece: Row) -> list[RenderedRow]:
        """What is known before of the rows that a chat or passage becomes."""
        asked = [self._seen(question_row(piece))] if self._is_asked_about(piece) else []
        if asked and self.passages == "chats":
            return asked
        seen = self._seen(piece)
        if self.passages == "chats" and not piece.messages:
            seen = replace(seen, becomes="too short")
        return [seen, *asked]

    def _seen(self, row: Row) -> RenderedRow:
        return render_row(row, self.tokenizer, self.end_id, self.context)

    def _count(self, piece: Row) -> None:
        length = len(self.tokenizer(piece.content, add_special_tokens=False)["input_ids"])
        self.lengths.append(length)
        read = length + _around(piece)
        self._longest = max(self._longest, read)
        if piece.messages:
            self._tokens += min(read, self.context)
        else:
            self._text_tokens += length
        if self._is_asked_about(piece):
            self._asked += 1
            self._chat_tokens += min(length + _around(question_row(piece)), self.context)


def _around(row: Row) -> int:
    """Tokens that template and answer add to a row's own, about."""
    written = ANSWER_TOKENS if row.lacks_answer else 0
    return TEMPLATE_TOKENS + TURN_TOKENS * len(row.messages) + written


def new_preview(model: Path, context: int, passages: Passages = TrainSpec.passages) -> Preview:
    """A preview for the model of a folder, of which only the tokenizer is loaded.

    Raises:
        KnownError: if that cannot be read.
    """
    from core.model.loading import load_tokenizer

    tokenizer = load_tokenizer(model)
    return Preview(tokenizer, tokenizer.eos_token_id, context, passages)


def render_row(row: Row, tokenizer: Any, end_id: int | None, context: int) -> RenderedRow:
    """A row as the training will read it."""
    try:
        return _rendered(row, tokenizer, end_id, context)
    except KnownError as error:
        return RenderedRow(f"It cannot be used: {error.sentence}", "", 0)


def _rendered(row: Row, tokenizer: Any, end_id: int | None, context: int) -> RenderedRow:
    if row.lacks_answer:
        text, token_ids = render(tokenizer, row.messages)
        becomes: Becomes = "asked about" if row.passage else "answered"
        return RenderedRow(text, "", len(token_ids), becomes)
    samples = to_samples(row, tokenizer, end_id, context)
    if not samples:
        return RenderedRow(row.content, "", 0)
    ids = list(samples[0].token_ids)
    # The token after the first anchor is slot 1, the base model's own: nothing is learned there.
    first_learned = samples[0].first + 2
    return RenderedRow(
        tokenizer.decode(ids[:first_learned]), tokenizer.decode(ids[first_learned:]), len(ids)
    )


def length_histogram(lengths: Sequence[int]) -> list[tuple[str, int]]:
    """How many lengths fall into each bin: ("up to 16", n), ..., ("over 4096", n)."""
    if not lengths:
        return []
    places = Counter(sum(length > edge for edge in BINS) for length in lengths)
    names = [*(f"up to {edge}" for edge in BINS), f"over {BINS[-1]}"]
    used = range(min(places), max(places) + 1)
    return [(names[place], places[place]) for place in used]


@dataclass(frozen=True)
class Look:
    """What reading documents found: the report on the files, and the rows as a model reads them."""

    report: Report
    preview: Preview


def look_at_documents(
    data: Sequence[str],
    columns: str,
    leave_out_secrets: bool,
    preview: Preview,
    advance: Callable[[int], None],
) -> Look:
    """Read documents as a training would.

    Args:
        data: Files and folders.
        columns: As in `TrainSpec`.
        leave_out_secrets: As in `TrainSpec`.
        preview: Through which model they are seen.
        advance: Called with the rows so far; what it raises ends the reading.

    Raises:
        KnownError: if the columns are none.
    """
    chosen = ColumnMap.parse(columns) if columns else None
    report = Report(leave_out_secrets)
    with closing(read_documents(data, chosen)) as found:
        for record in report.follow(found):
            preview.add(record.row, is_mapped=bool(record.columns))
            advance(preview.rows)
    return Look(report, preview)
