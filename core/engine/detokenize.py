"""Text of tokens as they come: never half a UTF-8 character, never half a stop string."""

from __future__ import annotations

from typing import Any

REPLACEMENT = "\ufffd"
WINDOW = 32


class Detokenizer:
    """Turns token ids into text, one at a time.

    A character may span several tokens, and a token's text may depend on the one before it
    (sentencepiece puts the blank between words there). So a window of recent tokens is decoded
    with and without the new token; what ends in a replacement character waits for its rest.
    All the pieces together equal the text of all tokens, less an unfinished last character.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._special = frozenset(tokenizer.all_special_ids)
        self._window: list[int] = []
        self._shown = 0
        self._whole_until = 0

    def feed(self, token_id: int) -> str:
        """The text that this token completes; special tokens have none."""
        if token_id in self._special:
            return ""
        self._window.append(token_id)
        text = self._decode(self._window)
        complete = text.rstrip(REPLACEMENT)
        new = complete[self._shown :]
        self._shown += len(new)
        if len(complete) == len(text):
            self._shorten()
        return new

    def _shorten(self) -> None:
        """At the end of a whole character: forget old tokens, mark the boundary."""
        if len(self._window) > WINDOW:
            self._window = self._window[self._whole_until :]
            self._shown = len(self._decode(self._window))
        self._whole_until = len(self._window)

    def _decode(self, token_ids: list[int]) -> str:
        return str(self._tokenizer.decode(token_ids, clean_up_tokenization_spaces=False))


class StopStrings:
    """Watches text for stop strings, holding back what may be the beginning of one."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """The text that may be shown now, and whether a stop string was reached."""
        if not self._stops:
            return text, False
        held = self._held + text
        found = [at for at in (held.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self._held = ""
            return held[: min(found)], True
        keep = max(_overlap(held, stop) for stop in self._stops)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep], False

    def rest(self) -> str:
        """What was held back, when nothing follows any more."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that a stop string begins with."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


class TokenTexts:
    """Texts of single tokens, for alternatives; decoded once each."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._texts: dict[int, str] = {}

    def __getitem__(self, token_id: int) -> str:
        text = self._texts.get(token_id)
        if text is None:
            text = str(self._tokenizer.decode([token_id], clean_up_tokenization_spaces=False))
            self._texts[token_id] = text
        return text
