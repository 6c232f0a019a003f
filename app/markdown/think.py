"""Which parts of an answer are thinking aloud: `<think>...</think>`."""

from __future__ import annotations

from dataclasses import dataclass

OPENING = "<think>"
CLOSING = "</think>"


@dataclass(frozen=True, slots=True)
class Part:
    """The characters `start..end` of an answer, tags excluded."""

    is_thinking: bool
    start: int
    end: int


def split_thinking(text: str) -> list[Part]:
    """The parts of an answer, in order; a part that is only blanks is left out.

    A template may put the opening tag into the prompt: then the answer holds only the closing
    one and thinks from its beginning.
    """
    first_opening, first_closing = text.find(OPENING), text.find(CLOSING)
    is_thinking = first_closing >= 0 and not 0 <= first_opening < first_closing
    parts, at = [], 0
    while at <= len(text):
        tag = CLOSING if is_thinking else OPENING
        found = text.find(tag, at)
        end = found if found >= 0 else len(text)
        if text[at:end].strip():
            parts.append(Part(is_thinking, at, end))
        at = end + len(tag)
        is_thinking = not is_thinking
    return parts
