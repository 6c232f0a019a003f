"""What the forms are filled with: names, places, things, sentences."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Form = Callable[[Random], tuple[str, dict[str, Any] | None]]
"""Draws one prompt and its check; None where no check is possible."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = _words(
    "Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Leo Maria Nina Oscar Paul "
    "Rosa Sam Victor Wendy Alice Bruno Daniel Frank Hugo Ivan Julia Kevin Laura Mark Peter "
    "Ruth Simon Tom Vera Adam Bella Chris Diana Eric George Helen James Linda Martin Olivia "
    "Robert Sarah Thomas Lucy Max Sofia"
)
CITIES = _words(
    "Paris Rome Berlin London Madrid Vienna Oslo Dublin Lisbon Prague Tokyo Cairo Delhi "
    "Boston Chicago Denver Dallas Seattle Miami Toronto Sydney Athens Warsaw Geneva Munich "
    "Milan Venice Naples Kyoto Seoul Lima Nairobi Houston Austin Phoenix Portland Detroit "
    "Atlanta"
)
JOBS = _words(
    "teacher doctor nurse baker farmer pilot lawyer writer painter driver engineer chef "
    "singer dentist actor gardener tailor scientist"
)
ANIMALS = _words(
    "cat dog horse cow sheep goat rabbit fox bear wolf lion tiger duck goose owl eagle frog "
    "turtle mouse monkey camel zebra dolphin whale shark"
)
FOODS = _words(
    "apples pears bananas oranges lemons grapes cherries carrots onions potatoes tomatoes "
    "beans rice bread butter cheese milk eggs honey sugar flour tea coffee fish chicken soup "
    "salad pasta mushrooms peppers cucumbers"
)
THINGS = _words(
    "lamp chair table desk book pen pencil clock mirror carpet bottle cup plate spoon knife "
    "basket blanket pillow towel hammer ladder bucket brush candle camera guitar piano "
    "bicycle umbrella wallet jacket hat"
)
COLOURS = _words("red blue green yellow black white brown orange purple pink grey")
ADJECTIVES = _words(
    "big small old young happy quiet brave clever lazy gentle hungry tired friendly curious "
    "shy proud"
)
DEEDS = _words("runs sits waits sings plays rests walks eats dances hides jumps")
PLACES = (
    "in the garden", "by the river", "under the tree", "on the hill", "near the house",
    "at the beach", "in the forest", "behind the barn", "on the roof", "in the kitchen",
    "beside the lake", "across the street", "in the park", "next to the school",
)  # fmt: skip
TIMES = (
    "every morning", "every day", "at night", "all day long", "in the summer", "after lunch",
    "on Sunday", "before dinner",
)  # fmt: skip
TASKS = (
    "call the bank", "water the plants", "wash the car", "buy new shoes", "clean the kitchen",
    "write a letter", "pay the rent", "feed the cat", "walk the dog", "book a hotel",
    "fix the door", "read the report", "send the email", "visit the dentist", "paint the fence",
    "pack the bags", "cook the dinner", "check the mail", "order a cake", "print the tickets",
    "return the books", "plan the trip", "call the doctor", "sweep the floor",
)  # fmt: skip


def sentence(rng: Random) -> str:
    """One short plain sentence."""
    animal, deed, place = rng.choice(ANIMALS), rng.choice(DEEDS), rng.choice(PLACES)
    first, second = rng.sample(NAMES, 2)
    return rng.choice((
        f"The {rng.choice(ADJECTIVES)} {animal} {deed} {place}.",
        f"The {animal} {deed} {place} {rng.choice(TIMES)}.",
        f"{first} {deed} {place} {rng.choice(TIMES)}.",
        f"{first} and {second} buy {rng.choice(FOODS)} in {rng.choice(CITIES)}.",
        f"{first} puts the {rng.choice(COLOURS)} {rng.choice(THINGS)} {place}.",
    ))  # fmt: skip
