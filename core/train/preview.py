"""What the model will see of documents: rows rendered token by token, and how long they are.

Texts are cut into passages as a training cuts them. What the model is yet to write about these,
its questions and answers, can only be announced.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from core.documents.duplicates import words_of
from core.documents.process import read_documents
from core.documents.records import ColumnMap, Finding, Record, Row
from core.documents.report import FileReport, Report
from core.train.passages import MOST_ASKED, into_passages, is_asked_about, question_row
from core.train.rendered import Length, RenderedRow, measure, render_row
from core.train.spec import ANSWER_TOKENS, Passages, TrainSpec
from core.wording import many

SHOWN_ROWS = 5
COUNTED_ROWS = 20_000
"""Chats and passages whose tokens are counted; of more the first ones stand for all."""
TEMPLATE_TOKENS, TURN_TOKENS = 32, 8
"""What a model's template puts before a chat and around each turn, about."""
LEFT_OUT = "it is left out of the training"
BINS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
Rank = Literal["mapped", "new shape", "new file", "other"]
RANKS: tuple[Rank, ...] = ("mapped", "new shape", "new file", "other")
"""Which rows are shown first: those to be confirmed, then one of each shape, one of each file."""


@dataclass
class Preview:
    """Rows as they stream past, seen with a model's tokenizer.

    Args:
        tokenizer: Of the model to train.
        end_id: Token put behind a complete answer.
        context: Tokens a row is cut to.
        passages: As in `TrainSpec`.

    Attributes:
        lengths: Tokens of each counted chat and passage as it is read, uncut.
        rows: Rows of the files.
        pieces: Chats and pairs among them, and the passages of the texts.
        unanswered: Rows that the model answers first.
        texts: Rows of plain text.
        cut: Counted chats whose answers are cut at the end of the context.
        left_out: Counted chats that the training leaves out, for their prompts fill the context.
        divided: Counted passages that are learned from in parts, being longer than the context.
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
    cut: int = 0
    left_out: int = 0
    divided: int = 0
    _shown: defaultdict[Rank, list[RenderedRow]] = field(default_factory=lambda: defaultdict(list))
    _shapes: set[tuple[str, bool, bool, bool]] = field(default_factory=set)
    _tokens_of: Counter[str] = field(default_factory=Counter)
    _words_of: Counter[str] = field(default_factory=Counter)
    _asked: int = 0
    _longest: int = 0
    _tokens: int = 0
    _text_tokens: int = 0
    _chat_tokens: int = 0

    def add(self, record: Record) -> list[Finding]:
        """Look at one more row; gives what its length makes of it."""
        row, found = record.row, list[Finding]()
        self.rows += 1
        self.unanswered += row.lacks_answer
        self.texts += not row.messages
        rank = self._rank(record)
        for piece in into_passages([row]):
            self.pieces += 1
            if len(self._shown[rank]) < SHOWN_ROWS:
                source = f"{record.file}, {record.place}"
                self._shown[rank] += [replace(one, source=source) for one in self._render(piece)]
            rank = rank if rank == "mapped" else "other"
            if len(self.lengths) < COUNTED_ROWS:
                found += self._count(piece, record)
        return found

    @property
    def rendered(self) -> list[RenderedRow]:
        """Some rows, as different as they come."""
        return [row for rank in RANKS for row in self._shown[rank]][:SHOWN_ROWS]

    @property
    def writes(self) -> bool:
        """Whether the model writes questions or answers before it trains."""
        return bool(self.unanswered or self._asked)

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

    @property
    def about_lengths(self) -> str:
        """Sentences on the lengths of all, and on what is too long."""
        counted = len(self.lengths)
        first = "" if counted == self.pieces else f"The first {counted:,} of "
        told = [f"{first}{self._pieces_text}: {many(sum(self.lengths), 'token')} in all."]
        beyond = (
            (self.cut, "chat", "cut"),
            (self.divided, "passage", "divided"),
            (self.left_out, "chat", "left out"),
        )
        if parts := [f"{many(count, thing)} {fate}" for count, thing, fate in beyond if count]:
            told.append(f"Beyond the context of {self.context:,} tokens: {', '.join(parts)}.")
        return " ".join(told)

    @property
    def _pieces_text(self) -> str:
        if not self.texts:
            return many(self.pieces, "row")
        passages = many(self.pieces, "passage")
        return passages if self.texts == self.rows else f"{passages} and other rows"

    def tokens_of(self, file: FileReport) -> int:
        """Tokens of a file, about if not all were counted: then its words tell."""
        tokens, words = self._tokens_of[file.file], self._words_of[file.file]
        if not words:
            tokens, words = self._tokens_of.total(), self._words_of.total()
        return round(file.words * tokens / max(1, words))

    def _rank(self, record: Record) -> Rank:
        """How new a row's shape is."""
        if record.columns:
            return "mapped"
        row = record.row
        shape = (bool(row.messages), row.lacks_answer, len(row.messages) > 2)
        everywhere, here = ("", *shape), (record.file, *shape)
        rank: Rank = "new file" if here not in self._shapes else "other"
        rank = "new shape" if everywhere not in self._shapes else rank
        self._shapes |= {everywhere, here}
        return rank

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

    def _count(self, piece: Row, record: Record) -> list[Finding]:
        """Count a chat's or passage's tokens, and find what is too long."""
        length = measure(piece, self.tokenizer, self.end_id)
        self.lengths.append(length.whole)
        self._tokens_of[record.file] += length.whole
        self._words_of[record.file] += len(words_of(piece.content))
        if piece.messages:
            return self._count_chat(piece, length, record)
        self._count_passage(piece, length.whole)
        return []

    def _count_chat(self, chat: Row, length: Length, record: Record) -> list[Finding]:
        about = partial(Finding, record.file, record.place)
        if length.refused:
            return [about("skipped", f"{LEFT_OUT}: {length.refused.rstrip('.')}")]
        limit = f"the context of {self.context:,} tokens"
        if length.prompt >= self.context:
            self.left_out += 1
            return [about("over-long", f"{LEFT_OUT}: its prompt alone fills {limit}")]
        read = length.whole + (ANSWER_TOKENS if chat.lacks_answer else 0)
        self._longest = max(self._longest, read)
        self._tokens += min(read, self.context)
        if length.whole <= self.context:
            return []
        self.cut += 1
        return [about("over-long", f"its answer is cut at the end of {limit}")]

    def _count_passage(self, passage: Row, tokens: int) -> None:
        is_asked = self._is_asked_about(passage)
        self.divided += tokens > self.context and not (is_asked and self.passages == "chats")
        self._longest = max(self._longest, tokens + TEMPLATE_TOKENS)
        self._text_tokens += tokens
        if is_asked:
            self._asked += 1
            around = TEMPLATE_TOKENS + TURN_TOKENS + ANSWER_TOKENS
            self._chat_tokens += min(tokens + around, self.context)


def new_preview(model: Path, context: int, passages: Passages = TrainSpec.passages) -> Preview:
    """A preview for the model of a folder, of which only the tokenizer is loaded.

    Raises:
        KnownError: if that cannot be read.
    """
    from core.model.loading import load_tokenizer

    tokenizer = load_tokenizer(model)
    return Preview(tokenizer, tokenizer.eos_token_id, context, passages)


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
        advance: Called with the rows so far for each thing found; what it raises ends the reading.

    Raises:
        KnownError: if the columns are none.
    """
    chosen = ColumnMap.parse(columns) if columns else None
    report = Report(leave_out_secrets)

    def goes_on() -> bool:
        advance(report.rows)
        return True

    with closing(read_documents(data, chosen)) as found:
        for record in report.follow(found, goes_on):
            for finding in preview.add(record):
                report.note(finding)
    return Look(report, preview)
