"""What a race came to, in words."""

from __future__ import annotations

from core.evaluate.lineup import Result, speedup, word_difference


def headline(results: list[Result]) -> str:
    """What the race came to, in one line."""
    times, low, high = speedup(*results)
    one, other = (result.entry.label for result in results)
    against = one[:1].lower() + one[1:]
    spread = f" ({low:.2f} to {high:.2f})" if len(results[0].racer.laps) > 1 else ""
    return f"{other}: {times:.2f} times as fast as {against}{spread}"


def explanation(results: list[Result]) -> str:
    """How it was measured, and what explains it."""
    return "\n".join((_measuring(results), *map(_side, results), _answers(results)))


def _measuring(results: list[Result]) -> str:
    info, laps = results[0].info, len(results[0].racer.laps)
    many = laps > 1
    runs = f"medians of {laps} runs" if many else "one run"
    spread = "; in brackets the slowest run of one against the fastest of the other" if many else ""
    loads = {result.entry.load for result in results}
    order = "in turn" if len(loads) == 1 else "one side after the other"
    return (
        f"Whole answer, prompt to text, by the clock; {runs} {order}, on {info.device} in "
        f"{info.dtype}{spread}."
    )


def _side(result: Result) -> str:
    racer = result.racer
    measured = racer.median_lap[0]
    per_pass = len(measured.token_ids) / max(1, measured.passes)
    return (
        f"{result.entry.label}: {racer.seconds:.2f} s, of them {measured.prefill_seconds:.2f} s "
        f"for the prompt; {len(measured.token_ids)} tokens, {per_pass:.2f} tokens per pass, "
        f"agreement {racer.agreement:.1%}"
    )


def _answers(results: list[Result]) -> str:
    """How far the two answers are the same; a shorter one is also sooner done."""
    one, other = (result.racer.median_lap[0] for result in results)
    if one.text == other.text:
        return "The answers are the same."
    differ, words = word_difference(one.text, other.text)
    text = (
        f"The answers differ in {differ} of {words} words."
        if differ
        else ("The answers differ in blanks only.")
    )
    if len(one.token_ids) == len(other.token_ids):
        return text
    slow, fast = (result.racer.tokens_per_second for result in results)
    ratio = fast / slow if slow else 0.0
    return f"{text} They are not of the same length: {ratio:.2f} times in tokens a second."
