"""Letters, explanations and chat: no check is possible; they are reported apart."""

from __future__ import annotations

from random import Random

from core.evaluate.families.words import (
    ADJECTIVES,
    ANIMALS,
    CITIES,
    FOODS,
    JOBS,
    NAMES,
    PLACES,
    TASKS,
    THINGS,
    Form,
)

TOPICS = (
    "gravity", "rain", "the seasons", "electricity", "a rainbow", "the moon", "photosynthesis",
    "a volcano", "an earthquake", "the tides", "sleep", "memory", "money", "trade", "inflation",
    "a bank", "insurance", "taxes", "democracy", "a court", "the internet", "a computer",
    "a computer program", "a database", "encryption", "a battery", "a bridge", "an engine",
    "a telescope", "a microscope", "vaccines", "the heart", "the lungs", "digestion", "vitamins",
    "exercise", "recycling", "solar power", "wind power", "climate", "a desert", "a forest",
    "the ocean", "a river", "glass", "steel", "paper", "bread baking", "cheese making", "music",
    "painting", "a novel", "a poem", "chess", "football", "a marathon", "a map", "a compass",
    "time zones", "a calendar", "fractions", "percentages", "prime numbers", "averages",
)  # fmt: skip
EXPLAIN = (
    "Explain what {} is to a child.", "Explain {} in two sentences.", "What is {}?",
    "Why is {} important?", "Give a short explanation of {}.", "How does {} work?",
    "Tell me one interesting fact about {}.", "What should a beginner know about {}?",
)  # fmt: skip
REASONS = (
    "a late delivery", "a lost suitcase", "a birthday party", "a new job", "a broken {thing}",
    "a dinner invitation", "a holiday in {city}", "the missing {thing}", "a meeting on Monday",
    "a good review", "a sick {animal}", "the plan to {task}", "a delayed train to {city}",
    "an order of {food}",
)  # fmt: skip
TALK = (
    "What is a good name for a {adjective} {animal}?",
    "I have to {task} today. Do you have any advice?",
    "What can I cook with {food} and {food}?",
    "I feel {adjective} today. What should I do?",
    "What can I see in {city} in one day?",
    "What does a {job} do all day?",
    "Tell me a short story about a {adjective} {animal} {place}.",
    "Write a short poem about a {adjective} {animal}.",
    "How do I choose a good {thing}?",
    "What is the difference between a {animal} and a {animal}?",
    "My friend {name} wants to become a {job}. What would you say?",
    "Suggest a gift for a {job} who likes {food}.",
)
_FILL = {
    "adjective": ADJECTIVES, "animal": ANIMALS, "city": CITIES, "food": FOODS, "job": JOBS,
    "name": NAMES, "place": PLACES, "task": TASKS, "thing": THINGS,
}  # fmt: skip


def letter(rng: Random) -> tuple[str, None]:
    """A short letter or message to somebody about something."""
    kind = rng.choice(("letter", "email", "message", "thank-you note", "reply"))
    name, writer = rng.sample(NAMES, 2)
    reason = _filled(rng, rng.choice(REASONS))
    return f"Write a short {kind} to {name} about {reason}. Sign it as {writer}.", None


def explanation(rng: Random) -> tuple[str, None]:
    """What something is or how it works."""
    subject = rng.choice((*TOPICS, *(f"a {word}" for word in THINGS + ANIMALS + JOBS)))
    return rng.choice(EXPLAIN).format(subject), None


def talk(rng: Random) -> tuple[str, None]:
    """A question as one asks it in a chat."""
    return _filled(rng, rng.choice(TALK)), None


def _filled(rng: Random, text: str) -> str:
    for slot, words in _FILL.items():
        while f"{{{slot}}}" in text:
            text = text.replace(f"{{{slot}}}", rng.choice(words), 1)
    return text


LETTERS: tuple[Form, ...] = (letter,)
EXPLANATIONS: tuple[Form, ...] = (explanation,)
CHAT: tuple[Form, ...] = (talk,)
