"""What becomes of a pass's slots: one file to a strategy."""

from __future__ import annotations

from core.engine import request
from core.engine.experience import Experience
from core.engine.head_chain import HeadChain
from core.engine.strategies.confadapt import ConfAdapt
from core.engine.strategies.decision import Strategy
from core.engine.strategies.heads import Heads
from core.engine.strategies.next_token import NextToken
from core.engine.strategies.prompt_lookup import PromptLookup
from core.engine.strategies.static_k import StaticK
from core.engine.strategies.verified import Verified
from core.errors import KnownError
from core.rule import Rule


def make_strategy(
    name: request.Strategy,
    rule: Rule,
    experience: Experience,
    chain: HeadChain | None = None,
    most: int = 1,
) -> Strategy:
    """The strategy of a name.

    Args:
        name: Which one.
        rule: See `ConfAdapt`.
        experience: What the session has learned.
        chain: The heads, where there are some.
        most: Most tokens that heads may propose.

    Raises:
        KnownError: for heads where there are none.
    """
    match name:
        case "next_token":
            return NextToken()
        case "static_k":
            return StaticK()
        case "confadapt":
            return ConfAdapt(rule)
        case "verified":
            return Verified(experience, PromptLookup(experience))
        case "heads":
            if chain is None:
                raise KnownError(
                    "No heads are loaded for this model.", "Choose an adapter of heads, or train."
                )
            return Heads(experience, chain, most)
        case "prompt_lookup":
            return PromptLookup(experience)
