"""Documents become passages to continue, and chats: the model asks about a passage and answers.

A speed-up learned from running text alone would show where text runs on; users meet the model
in chat. The questions and answers are all the base model's own words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from core.documents.records import Row
from core.engine.request import Message
from core.model.fingerprint import text_fingerprint

PASSAGE_WORDS = 110
FEWEST_WORDS = 12
"""A shorter passage is hardly worth a question."""
MOST_ASKED = 1000
LONGEST_QUESTION = 300
"""Characters; what is longer was no question."""
FAMILY = "passage"
FEWEST_QUESTION_WORDS = 3
"""What is shorter ("What?", "Why not?") asks about nothing."""

_BEFORE = "Here is a text.\n\n"
_AFTER = "\n\nWrite a question that this text answers.\nStart like this:\nQuestion: What"
"""A small model goes on with a text rather than asking about it, unless it is told how to begin:
of eight passages the starter's model asked about none without, about six with it."""


def into_passages(rows: Sequence[Row]) -> list[Row]:
    """The same rows, plain texts cut into passages; each passage knows itself by a fingerprint."""
    return [
        replace(row, text=passage, passage=text_fingerprint(passage)) if not row.messages else row
        for row in rows
        for passage in (split_passages(row.text) if not row.messages else [""])
    ]


def split_passages(text: str) -> list[str]:
    """Pieces of a text of at most `PASSAGE_WORDS` words, cut at ends of sentences or lines."""
    words = list(re.finditer(r"\S+", text))
    passages = []
    first = 0
    while first < len(words):
        last = min(first + PASSAGE_WORDS, len(words))
        if last < len(words):
            inner = range(first + FEWEST_WORDS - 1, last)
            ends = [n for n in inner if _ends_sentence(words[n], text)]
            last = ends[-1] + 1 if ends else last
        passages.append(text[words[first].start() : words[last - 1].end()])
        first = last
    return passages


def question_rows(rows: Sequence[Row], seed: int) -> list[Row]:
    """Asks the model for a question about each passage; of too many about a seeded choice."""
    texts = {row.text: row for row in rows if not row.messages and is_asked_about(row)}
    chosen = list(texts.values())
    random.Random(f"passages {seed}").shuffle(chosen)
    return [question_row(row) for row in chosen[:MOST_ASKED]]


def is_asked_about(passage: Row) -> bool:
    """Whether a passage is long enough for a question."""
    return len(passage.text.split()) >= FEWEST_WORDS


def question_row(passage: Row) -> Row:
    """Asks the model for a question about one passage."""
    asked = Message("user", f"{_BEFORE}{passage.text}{_AFTER}")
    return Row((asked,), family=FAMILY, passage=passage.passage)


def chats_about(asked: Sequence[Row]) -> list[Row]:
    """Chats from answered question rows, without their answers yet.

    Every other one carries its passage, as a user would paste it; the rest ask for what the
    model knows by itself.
    """
    chats: list[Row] = []
    for row in asked:
        question = _question_in(row.messages[-1].content)
        if question:
            passage = row.messages[0].content.removeprefix(_BEFORE).removesuffix(_AFTER)
            text = f"{passage}\n\n{question}" if len(chats) % 2 == 0 else question
            chats.append(Row((Message("user", text),), family=FAMILY, passage=row.passage))
    return chats


def _ends_sentence(word: re.Match[str], text: str) -> bool:
    return word.group()[-1] in ".!?" or text[word.end() : word.end() + 1] == "\n"


def _question_in(answer: str) -> str:
    """The first line of an answer that asks something; "" if none does."""
    lines = (line.strip(' "*-').removeprefix("Question:") for line in answer.splitlines())
    asked = [f"{line.partition('?')[0].strip()}?" for line in lines if "?" in line]
    found = next((one for one in asked if len(one.split()) >= FEWEST_QUESTION_WORDS), "")
    return found if len(found) <= LONGEST_QUESTION else ""
