"""What a race came to, in words."""

from __future__ import annotations

from collections.abc import Sequence

from core.evaluate.origin import machine_words
from core.evaluate.race.differences import differing_words, word_diff
from core.evaluate.race.lineup import Result, speedup
from core.evaluate.race.recording import Recording


def headline(results: Sequence[Result]) -> str:
    """What the race came to, in one line."""
    first, last = results[0], results[-1]
    times, low, high = speedup(first, last)
    one, other = first.entry.label, last.entry.label
    against = one[:1].lower() + one[1:]
    spread = f" ({low:.2f} to {high:.2f})" if len(results[0].racer.laps) > 1 else ""
    return f"{other}: {times:.2f} times as fast as {against}{spread}"


def recording_note(recording: Recording) -> str:
    """That a race was run before, and where."""
    facts = recording.facts
    where = machine_words(facts["machine"])
    return (
        f"A recording: {facts['model']}, run on {facts['day']} on {where}. Nothing is computed "
        f"here now.\nPrompt: {facts['prompt']}"
    )


def explanation(results: Sequence[Result]) -> str:
    """How it was measured, and what explains it."""
    return "\n".join((_measuring(results), *map(_side, results), _answers(results)))


def _measuring(results: Sequence[Result]) -> str:
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
    return (
        f"{result.entry.label}: {racer.seconds:.2f} s, of them {measured.prefill_seconds:.2f} s "
        f"for the prompt; {len(measured.token_ids)} tokens, "
        f"{measured.tokens_per_pass:.2f} tokens per pass, agreement {racer.agreement:.1%}"
    )


def _answers(results: Sequence[Result]) -> str:
    """How far the first and the last answer are the same; a shorter one is also sooner done."""
    ends = results[0], results[-1]
    one, other = (result.racer.median_lap[0] for result in ends)
    if one.text == other.text:
        return "The answers are the same."
    differ, words = differing_words(word_diff(one.text, other.text))
    text = (
        f"The answers differ in {differ} of {words} words."
        if differ
        else ("The answers differ in blanks only.")
    )
    if len(one.token_ids) == len(other.token_ids):
        return text
    slow, fast = (result.racer.tokens_per_second for result in ends)
    ratio = fast / slow if slow else 0.0
    return f"{text} They are not of the same length: {ratio:.2f} times in tokens a second."
