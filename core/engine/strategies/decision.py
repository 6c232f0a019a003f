"""What the pass loop asks a strategy, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.engine.confidence import Slots
from core.events import Proposer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to decide by, once a pass has been read.

    Attributes:
        slots: Slot 1, final in any case, and what the mask rows propose behind it.
        tokens: All tokens of prompt and answer, slot 1 included.
        room: How many tokens may follow slot 1.
        threshold: The threshold in force.
        hidden: [R, H] last hidden rows of the tokens before slot 1 that this pass made final, in
            order; None where nothing asks for them.
    """

    slots: Slots
    tokens: Sequence[int]
    room: int
    threshold: float
    hidden: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a pass's slots.

    Attributes:
        slots: Slot 1 and the proposals behind it, whoever made them.
        kept: How many leading slots are final now, 1..len(slots.ids).
        provisional: How many slots behind the kept ones the next pass checks.
        proposer: Who made the proposals.
    """

    slots: Slots
    kept: int = 1
    provisional: int = 0
    proposer: Proposer = "mask rows"


class Strategy(Protocol):
    """How many mask rows a pass gets, and what becomes of its slots.

    Attributes:
        is_exact: Whether every token is the one that one-token decoding would give.
    """

    is_exact: bool

    def masks(self, provisional: int, most: int, threshold: float) -> int:
        """Mask rows, 0..most, of a pass that checks so many provisional tokens."""

    def decide(self, seen: Seen) -> Decision:
        """What of a pass is final, and what the next pass shall check."""
