"""Chats about documents: the model asks a question about a passage, then answers it.

A speed-up learned from running text alone would show where text runs on; users meet the model
in chat. So passages become questions and answers, all of them the base model's own words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from core.documents.records import Row
from core.engine.request import Message

PASSAGE_WORDS = 110
FEWEST_WORDS = 12
"""A shorter passage is hardly worth a question."""
MOST_PASSAGES = 1000
LONGEST_QUESTION = 300
"""Characters; what is longer was no question."""
FAMILY = "passage"
_REQUEST = "Write one short question about this text:"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def passages_of(rows: Sequence[Row], seed: int) -> list[str]:
    """Passages of the plain texts among rows; of too many a seeded choice."""
    found = [passage for row in rows if not row.messages for passage in split_passages(row.text)]
    different = list(dict.fromkeys(found))
    random.Random(f"passages {seed}").shuffle(different)
    return different[:MOST_PASSAGES]


def split_passages(text: str) -> list[str]:
    """Whole sentences of a text, joined up to about `PASSAGE_WORDS` words each."""
    passages: list[str] = []
    open_parts: list[str] = []
    size = 0
    for part in _parts(text):
        words = len(part.split())
        if open_parts and size + words > PASSAGE_WORDS:
            passages.append(" ".join(open_parts))
            open_parts, size = [], 0
        open_parts.append(part)
        size += words
    passages.append(" ".join(open_parts))
    return [one for one in passages if len(one.split()) >= FEWEST_WORDS]


def question_row(passage: str) -> Row:
    """Asks the model for a question about a passage."""
    return Row((Message("user", f"{_REQUEST}\n\n{passage}"),), family=FAMILY)


def chats_about(asked: Sequence[Row]) -> list[Row]:
    """Chats from answered question rows, without their answers yet.

    Every other one carries its passage, as a user would paste it; the rest ask for what the
    model knows by itself.
    """
    chats = []
    for row in asked:
        question = _question_in(row.messages[-1].content)
        if question:
            passage = row.messages[0].content.removeprefix(f"{_REQUEST}\n\n")
            text = f"{passage}\n\n{question}" if len(chats) % 2 == 0 else question
            chats.append(Row((Message("user", text),), family=FAMILY))
    return chats


def _parts(text: str) -> Iterator[str]:
    """Sentences; one without an end is cut after `PASSAGE_WORDS` words."""
    for sentence in _SENTENCE_END.split(text):
        words = sentence.split()
        for at in range(0, len(words), PASSAGE_WORDS):
            yield " ".join(words[at : at + PASSAGE_WORDS])


def _question_in(answer: str) -> str:
    """The first line of an answer that asks something; "" if none does."""
    lines = (line.strip(' "*-').partition("?") for line in answer.splitlines())
    found = next((f"{text.strip()}?" for text, mark, _ in lines if mark and text.strip()), "")
    return found if len(found) <= LONGEST_QUESTION else ""
