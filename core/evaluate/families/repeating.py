"""Repeating: a text word for word, or a sentence several times over as JSON."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from core.evaluate.families.examples import with_examples
from core.evaluate.families.words import Form, sentence

REQUESTS = (
    "Repeat this text word for word",
    "Repeat this text exactly",
    "Say this again, word for word",
    "Copy this text word for word",
)


def echo(rng: Random) -> tuple[str, dict[str, Any]]:
    """A text, once."""
    text = " ".join(sentence(rng) for _ in range(rng.randint(2, 3)))
    return f'{rng.choice(REQUESTS)}: "{text}"', {"kind": "equals", "answers": [text, f'"{text}"']}


def numbered(rng: Random) -> tuple[str, dict[str, Any]]:
    """Numbered sentences, once."""
    lines = [f"{number}. {sentence(rng)}" for number in range(1, rng.randint(4, 5))]
    shown = "\n".join(lines)
    return f"Write a list. Start like this:\n{shown}", {"kind": "lines", "lines": lines}


def three_times(rng: Random) -> tuple[str, dict[str, Any]]:
    """A sentence, three times over."""

    def example(rng: Random) -> tuple[str, str]:
        text = sentence(rng)
        thrice = {"first": text, "second": text, "third": text}
        return f"Sentence: {text}\nJSON:", json.dumps(thrice)

    prompt, answer = with_examples(rng, example)
    return prompt, {"kind": "json", "value": json.loads(answer)}


FORMS: tuple[Form, ...] = (echo, numbered, three_times)
