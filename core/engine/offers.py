"""What every strategy is, in plain words, and why a loaded model may not offer it."""

from __future__ import annotations

from dataclasses import dataclass

from core.engine.request import SessionInfo, Strategy


@dataclass(frozen=True, slots=True)
class Offer:
    """A strategy as it is shown."""

    strategy: Strategy
    name: str
    words: str


OFFERS = (
    Offer(
        "next_token",
        "One token a pass",
        "Ordinary decoding: what all others are held against.",
    ),
    Offer(
        "confadapt",
        "ConfAdapt",
        "Mask rows propose several tokens: those of which the model is sure enough are kept, "
        "likely ones behind them are checked by the next pass. Fast, but now and then a token is "
        "another than the model's own.",
    ),
    Offer(
        "static_k",
        "Fixed blocks",
        "Keeps k_max tokens of every pass, however sure the model is: fast, and least faithful.",
    ),
    Offer(
        "verified",
        "Exact, verified",
        "Mask rows propose, and so does the text so far; the next pass checks. The answer is that "
        "of one token a pass, but for rounding in bfloat16.",
    ),
    Offer(
        "heads",
        "Exact, with heads",
        "Small heads behind the model propose, one after the other; the next pass checks. The "
        "answer is that of one token a pass, but for rounding in bfloat16.",
    ),
    Offer(
        "prompt_lookup",
        "Exact, prompt lookup",
        "Proposes what followed the latest words when they stood in the text before; the next pass "
        "checks. Needs no training; helps where text is copied or repeats itself.",
    ),
)


def offer_of(strategy: str) -> Offer:
    """What a strategy is called and said to be."""
    return next(one for one in OFFERS if one.strategy == strategy)


def why_not(strategy: Strategy, info: SessionInfo) -> str:
    """Why this model does not offer a strategy; "" where it does."""
    if strategy in ("confadapt", "static_k", "verified") and info.k_max == 1:
        return "It needs an adapter that proposes by mask rows: none is loaded for this model."
    if strategy == "heads" and not info.heads:
        return "It needs heads: none are loaded for this model."
    return ""
