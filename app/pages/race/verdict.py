"""What a race came to, in words."""

from __future__ import annotations

from core.evaluate.lineup import Result, speedup, word_difference


def headline(results: list[Result]) -> str:
    """What the race came to, in one line."""
    times, low, high = speedup(*results)
    one, other = (result.entry.label for result in results)
    against = one[:1].lower() + one[1:]
    return f"{other}: {times:.2f} times as fast as {against} ({low:.2f} to {high:.2f})"


def explanation(results: list[Result]) -> str:
    """How it was measured, and what explains it."""
    info, laps = results[0].info, len(results[0].racer.laps)
    lines = [
        f"Whole answer, prompt to text, by the clock; medians of {laps} runs on {info.device} in "
        f"{info.dtype}; in brackets the slowest run of one against the fastest of the other."
    ]
    for result in results:
        measured = result.racer.median_lap[0]
        per_pass = len(measured.token_ids) / max(1, measured.passes)
        lines.append(
            f"{result.entry.label}: {measured.seconds:.2f} s, of them "
            f"{measured.prefill_seconds:.2f} s for the prompt; {len(measured.token_ids)} tokens, "
            f"{per_pass:.2f} tokens per pass, agreement {result.racer.agreement:.1%}"
        )
    texts = [result.racer.median_lap[0].text for result in results]
    other, words = word_difference(*texts)
    lines.append(
        f"The answers differ in {other} of {words} words." if other else "The answers are the same."
    )
    return "\n".join(lines)
