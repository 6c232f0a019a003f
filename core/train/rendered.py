"""One row as the model reads it: rendered token by token, and measured against the context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.documents.records import Row
from core.engine.prompt import render
from core.errors import KnownError
from core.train.data import to_samples

Becomes = Literal["learned", "cut", "answered", "asked about", "too short", "left out"]
ABOUT: dict[Becomes, str] = {
    "answered": "the model writes the answer first",
    "asked about": "the model first writes a question about this passage, and the answer",
    "too short": "too short for a question; learned from only if the passages are",
    "left out": "left out of the training: nothing to learn within the context",
}


SHOWN_CHARACTERS = 900
"""Of a long text; its beginning and its end are what matters."""


@dataclass(frozen=True)
class RenderedRow:
    """One row exactly as the model reads it, template applied and cut to the context.

    Attributes:
        given: Text that is only read.
        learned: Text behind it, at whose tokens the adapter is trained.
        tokens: Length of both together.
        becomes: "learned" as it is, or "cut" to the context; "answered" or "asked about" by the
            model first, so that nothing is `learned` yet; a passage "too short" to be asked
            about; "left out", as there is nothing to learn within the context.
        source: The file and the place it is of.
    """

    given: str
    learned: str
    tokens: int
    becomes: Becomes = "learned"
    source: str = ""

    @property
    def about(self) -> str:
        """What becomes of it, in words; of what is learned the length."""
        length = f"{self.tokens:,} tokens"
        known = {"learned": length, "cut": f"{length}, cut at the end of the context"}
        return known.get(self.becomes) or ABOUT[self.becomes]


@dataclass(frozen=True)
class Length:
    """Tokens of a row, uncut, template and end included.

    Attributes:
        prompt: Of a chat's prompt alone; 0 for a text.
        refused: Why the model's template refuses the chat, else "".
    """

    whole: int
    prompt: int = 0
    refused: str = ""


def shortened(text: str) -> str:
    """A long text with its middle left out."""
    half = SHOWN_CHARACTERS // 2
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def measure(row: Row, tokenizer: Any, end_id: int | None) -> Length:
    """How long a row is."""
    if not row.messages:
        return Length(_count(row.text, tokenizer))
    turns = row.messages if row.lacks_answer else row.messages[:-1]
    try:
        prompt = len(render(tokenizer, turns)[1])
    except KnownError as error:
        return Length(_count(row.content, tokenizer), refused=error.sentence)
    if row.lacks_answer:
        return Length(prompt, prompt)
    end = int(row.complete and end_id is not None)
    return Length(prompt + _count(row.messages[-1].content, tokenizer) + end, prompt)


def _count(text: str, tokenizer: Any) -> int:
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def render_row(row: Row, tokenizer: Any, end_id: int | None, context: int) -> RenderedRow:
    """A row as the training will read it."""
    try:
        return _rendered(row, tokenizer, end_id, context)
    except KnownError as error:
        return RenderedRow(f"It cannot be used: {error.sentence}", "", 0, "left out")


def _rendered(row: Row, tokenizer: Any, end_id: int | None, context: int) -> RenderedRow:
    length = measure(row, tokenizer, end_id)
    samples = to_samples(row, tokenizer, end_id, context) if not row.lacks_answer else []
    # The chats about a passage need not carry it, so a long question row is no trouble yet.
    if not (samples or row.passage or (row.lacks_answer and length.prompt < context)):
        return RenderedRow(shortened(row.content), "", length.whole, "left out")
    if row.lacks_answer:
        becomes: Becomes = "asked about" if row.passage else "answered"
        return RenderedRow(render(tokenizer, row.messages)[0], "", length.prompt, becomes)
    ids = list(samples[0].token_ids)
    # The token after the first anchor is slot 1, the base model's own: nothing is learned there.
    first_learned = samples[0].first + 2
    given, learned = tokenizer.decode(ids[:first_learned]), tokenizer.decode(ids[first_learned:])
    becomes = "cut" if row.messages and length.whole > context else "learned"
    return RenderedRow(given, learned, len(ids), becomes)
