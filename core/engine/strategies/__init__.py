"""What becomes of a pass's slots: one file to a strategy."""

from __future__ import annotations

from core.engine import request
from core.engine.experience import Experience
from core.engine.strategies.confadapt import ConfAdapt
from core.engine.strategies.decision import Strategy
from core.engine.strategies.next_token import NextToken
from core.engine.strategies.prompt_lookup import PromptLookup
from core.engine.strategies.static_k import StaticK
from core.engine.strategies.verified import Verified


def make_strategy(name: request.Strategy, count_from_slot: int, experience: Experience) -> Strategy:
    """The strategy of a name; `count_from_slot` is ConfAdapt's (see there)."""
    match name:
        case "next_token":
            return NextToken()
        case "static_k":
            return StaticK()
        case "confadapt":
            return ConfAdapt(count_from_slot)
        case "verified":
            return Verified(experience, PromptLookup(experience))
        case "prompt_lookup":
            return PromptLookup(experience)
