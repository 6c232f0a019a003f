"""What hovering over a token tells: its pass, slot, confidence, alternatives, time."""

from __future__ import annotations

import html
from bisect import bisect_right
from collections.abc import Sequence

from app.widgets.pass_spans import PassSpans, TokenSpan
from core.events import PassDone


def token_at(spans: PassSpans, offset: int) -> TokenSpan | None:
    """The token that a character of the answer came from; None for what is provisional."""
    if spans.provisional and offset >= len(spans.text):
        return None
    number = bisect_right(spans.tokens, offset, key=lambda token: token.start) - 1
    while number > 0 and spans.tokens[number].start == spans.tokens[number].end:
        number -= 1
    return spans.tokens[number] if 0 <= number < len(spans.tokens) else None


def tip_text(spans: PassSpans, offset: int) -> str:
    """The same in plain text, for screen readers."""
    token = token_at(spans, offset)
    if token is None:
        return ""
    return ". ".join(_lines(spans, token))


def tip_html(spans: PassSpans, offset: int) -> str:
    """A small table for a tool tip; empty where there is no token."""
    token = token_at(spans, offset)
    if token is None:
        return ""
    name = html.escape(shown(spans.text[token.start : token.end]))
    rows = "".join(f"<tr><td>{html.escape(line)}</td></tr>" for line in _lines(spans, token)[1:])
    return f"<table cellspacing='1'><tr><td><b>{name}</b></td></tr>{rows}</table>"


def _lines(spans: PassSpans, token: TokenSpan) -> list[str]:
    done = token.done
    lines = [
        shown(spans.text[token.start : token.end]),
        f"Pass {done.index + 1}, slot {token.slot} of {len(done.proposed_ids)}",
        f"{len(done.token_ids)} final in {done.seconds * 1000:.0f} ms",
    ]
    if token.slot <= len(done.confidences):
        is_checked = done.is_exact or token.slot > done.kept
        how = _checked(token) if is_checked else f"threshold {done.threshold:g}"
        lines.insert(2, f"Confidence {done.confidences[token.slot - 1]:.3f}, {how}")
    if done.refused and token.slot == 1:
        lines.append(f"In its place fell {refused_text(spans.passes, done.index)}")
    if others := alternatives_text(done, token.slot):
        lines.append(f"Instead of it: {others}")
    return lines


def _checked(token: TokenSpan) -> str:
    """How a token that no threshold decided came to be final."""
    if token.slot == 1:
        return "the model's own next token"
    return f"proposed by {token.done.proposer}, confirmed by the next pass"


def refused_text(passes: Sequence[PassDone], place: int) -> str:
    """What the pass before had proposed that fell in this one."""
    done, before = passes[place], passes[place - 1]
    last = before.kept + before.provisional
    fallen = before.proposed_texts[last - done.refused : last]
    return " ".join(shown(one) for one in fallen) or f"{done.refused} proposals"


def alternatives_text(done: PassDone, slot: int) -> str:
    """The other candidates of a slot, counted from 1; empty where none are known."""
    others = done.alternatives[slot - 1] if slot <= len(done.alternatives) else ()
    return ", ".join(f"{shown(text)} {chance:.3f}" for _id, text, chance in others)


def shown(text: str) -> str:
    """A token's text with its blanks made visible."""
    visible = text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "␣")
    return f"“{visible}”" if visible else "no text"
