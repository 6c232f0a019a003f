"""How many proposed slots of a pass are kept: one file to a strategy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.engine import request
from core.engine.strategies.confadapt import ConfAdapt
from core.engine.strategies.next_token import NextToken
from core.engine.strategies.static_k import StaticK


class Strategy(Protocol):
    """The two questions that the pass loop asks."""

    def slots(self, k_max: int, threshold: float) -> int:
        """How many slots a pass should propose, 1..k_max."""

    def kept(self, confidences: Sequence[float], threshold: float) -> int:
        """How many leading slots become final, 1..len(confidences)."""


def make_strategy(name: request.Strategy, count_from_slot: int) -> Strategy:
    """The strategy of a name; `count_from_slot` is ConfAdapt's (see there)."""
    match name:
        case "next_token":
            return NextToken()
        case "static_k":
            return StaticK()
        case "confadapt":
            return ConfAdapt(count_from_slot)
