"""Answers decoded at once: each as it would be alone, with an equal part of the time."""

from __future__ import annotations

from core.control import Cancel
from core.engine.request import LoadSpec, Request
from core.evaluate.measure import NEXT_TOKEN, Way
from core.evaluate.race.lineup import Entry
from core.evaluate.race.together import run_together
from core.events import GenerationEnded, GenerationEvent, PassDone
from tests.core.engine.harness import decode, ended, toy_session, user

FAST = Way("confadapt", 0.3, k_max=4)
OLD, NEW = LoadSpec("toy", "old"), LoadSpec("toy", "new")
REQUEST = Request(user("Count to ten."), max_new_tokens=30)


def together(*entries: Entry) -> tuple[list[tuple[int, GenerationEvent]], list[LoadSpec]]:
    seen: list[tuple[int, GenerationEvent]] = []
    opened: list[LoadSpec] = []

    def open_session(load: LoadSpec, _progress: object):
        opened.append(load)
        return toy_session()

    run_together(
        entries,
        REQUEST,
        open_session,
        Cancel(),
        lambda *_: None,
        lambda number, event: seen.append((number, event)),
    )
    return seen, opened


def test_each_answer_is_that_of_decoding_alone() -> None:
    seen, opened = together(Entry("one", NEW, NEXT_TOKEN), Entry("fast", NEW, FAST))
    assert opened == [NEW]
    alone = (
        decode(toy_session(), strategy="next_token", max_new_tokens=30),
        decode(toy_session(), k_max=4, max_new_tokens=30),
    )
    for number, events in enumerate(alone):
        texts = [one.text for at, one in seen if at == number and isinstance(one, GenerationEnded)]
        assert texts == [ended(events).text]


def test_models_of_their_own_are_opened_each() -> None:
    _, opened = together(Entry("old", OLD, FAST), Entry("new", NEW, FAST))
    assert opened == [OLD, NEW]


def test_whoever_had_less_time_comes_next() -> None:
    seen, _ = together(Entry("one", NEW, NEXT_TOKEN), Entry("fast", NEW, FAST))
    spent = [0.0, 0.0]
    over: set[int] = set()
    for number, event in seen:
        if isinstance(event, PassDone):
            assert over or spent[number] <= spent[1 - number]
            spent[number] += event.seconds
        elif isinstance(event, GenerationEnded):
            over.add(number)
