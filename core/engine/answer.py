"""An answer as it grows, token by token, until something ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.engine.detokenize import Detokenizer, StopStrings
from core.events import StopReason


@dataclass
class Answer:
    """An answer as it grows: its tokens, its text, and why it ended.

    Attributes:
        limit: Tokens it may have at most.
        limit_reason: What it means to reach that limit.
    """

    tokenizer: Any
    end_ids: frozenset[int]
    stops: StopStrings
    limit: int
    limit_reason: StopReason
    token_ids: list[int] = field(default_factory=list)
    text: str = ""
    passes: int = 0
    seconds: float = 0.0
    stop_reason: StopReason | None = None

    def __post_init__(self) -> None:
        self._detokenizer = Detokenizer(self.tokenizer)

    @property
    def room(self) -> int:
        """How many tokens may still come."""
        return self.limit - len(self.token_ids)

    def add(self, block: list[int]) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Take a block's tokens up to where the answer ends.

        Returns:
            The tokens taken, and what each of them adds to the text.
        """
        start = len(self.token_ids)
        pieces = []
        for token_id in block[: self.room]:
            self.token_ids.append(token_id)
            piece, stopped = self.stops.feed(self._detokenizer.feed(token_id))
            pieces.append(piece)
            if stopped:
                self.stop_reason = "stop_string"
                break
            if token_id in self.end_ids:
                self.stop_reason = "end_token"
                break
        if self.stop_reason is None and self.room == 0:
            self.stop_reason = self.limit_reason
        if self.stop_reason is not None:
            pieces[-1] += self.stops.rest()
        self.text += "".join(pieces)
        return tuple(self.token_ids[start:]), tuple(pieces)

    def cancel(self) -> None:
        """End here; text held back for a stop string that never came still belongs to it."""
        self.stop_reason = "cancelled"
        self.text += self.stops.rest()
