"""What the model will see of documents: rows rendered token by token, and how long they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.documents.process import read_documents
from core.documents.records import ColumnMap, Row
from core.documents.report import Report
from core.engine.prompt import render
from core.errors import KnownError
from core.train.data import to_samples
from core.train.spec import ANSWER_TOKENS

SHOWN_ROWS = 3
COUNTED_ROWS = 2000
"""Rows whose tokens are counted; of more the first ones stand for all."""
TEMPLATE_TOKENS, TURN_TOKENS = 32, 8
"""What a model's template puts before a chat and around each turn, about."""
BINS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True)
class RenderedRow:
    """One row exactly as the model reads it, template applied and cut to the context.

    Attributes:
        given: Text that is only read.
        learned: Text behind it, at whose tokens the adapter is trained.
        tokens: Length of both together.
        lacks_answer: Whether the model writes an answer first; `learned` is then empty.
    """

    given: str
    learned: str
    tokens: int
    lacks_answer: bool = False


@dataclass
class Preview:
    """Rows as they stream past, seen with a model's tokenizer.

    Args:
        tokenizer: Of the model to train.
        end_id: Token put behind a complete answer.
        context: Tokens a row is cut to.

    Attributes:
        rendered: The first rows.
        lengths: Tokens of each counted row, uncut.
        unanswered: Rows that the model answers first.
        texts: Rows of plain text, about which the model writes chats.
    """

    tokenizer: Any
    end_id: int | None
    context: int
    rendered: list[RenderedRow] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    rows: int = 0
    unanswered: int = 0
    texts: int = 0
    _longest: int = 0
    _tokens: int = 0

    def add(self, row: Row) -> None:
        """Look at one more row."""
        self.rows += 1
        self.unanswered += row.lacks_answer
        self.texts += not row.messages
        if len(self.rendered) < SHOWN_ROWS:
            self.rendered.append(render_row(row, self.tokenizer, self.end_id, self.context))
        if len(self.lengths) < COUNTED_ROWS:
            encoded = self.tokenizer(row.content, add_special_tokens=False)
            self.lengths.append(len(encoded["input_ids"]))
            template = TEMPLATE_TOKENS + TURN_TOKENS * len(row.messages)
            written = ANSWER_TOKENS if row.lacks_answer else 0
            read = self.lengths[-1] + template + written
            self._longest = max(self._longest, read)
            # A text is read again with what the model answers about its passages.
            self._tokens += min(read, self.context) if row.messages else 2 * read

    @property
    def cut(self) -> int:
        """Counted rows that are longer than the context."""
        return sum(length > self.context for length in self.lengths)

    @property
    def longest(self) -> int:
        """Tokens of the longest row that is trained on, about."""
        if self.texts or self.rows > len(self.lengths):
            return self.context  # chats about passages are yet to be written, rows uncounted
        return min(self.context, self._longest)

    @property
    def tokens(self) -> int:
        """Tokens of all rows that are trained on, about."""
        return self._tokens * self.rows // max(1, len(self.lengths))

    @property
    def histogram(self) -> list[tuple[str, int]]:
        """Counted rows by length, from the shortest bin in use to the longest."""
        return length_histogram(self.lengths)


def new_preview(model: Path, context: int) -> Preview:
    """A preview for the model of a folder, of which only the tokenizer is loaded.

    Raises:
        KnownError: if that cannot be read.
    """
    from core.model.loading import load_tokenizer

    tokenizer = load_tokenizer(model)
    return Preview(tokenizer, tokenizer.eos_token_id, context)


def render_row(row: Row, tokenizer: Any, end_id: int | None, context: int) -> RenderedRow:
    """A row as the training will read it."""
    try:
        return _rendered(row, tokenizer, end_id, context)
    except KnownError as error:
        return RenderedRow(f"It cannot be used: {error.sentence}", "", 0)


def _rendered(row: Row, tokenizer: Any, end_id: int | None, context: int) -> RenderedRow:
    if row.lacks_answer:
        text, token_ids = render(tokenizer, row.messages)
        return RenderedRow(text, "", len(token_ids), lacks_answer=True)
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
            preview.add(record.row)
            advance(preview.rows)
    return Look(report, preview)
