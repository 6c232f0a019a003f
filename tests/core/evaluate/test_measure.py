"""One answer with a clock: read from its first token, counted by its events."""

from __future__ import annotations

import pytest

from core.control import Cancel
from core.engine.request import STRATEGIES, Request
from core.errors import Cancelled
from core.evaluate.measure import GENERATE, NEXT_TOKEN, Way, decode_answer, way_of
from core.events import GenerationStarted, PassDone
from tests.core.engine.harness import toy_session, user

ASKED = user("Count to ten.")


def test_every_answer_reads_its_whole_prompt():
    session = toy_session()
    request = Request(ASKED, max_new_tokens=20)
    first, _ = decode_answer(session, request, 0.3, Cancel())
    again, events = decode_answer(session, request, 0.3, Cancel())
    assert isinstance(events[0], GenerationStarted)
    assert events[0].reused_tokens == 0
    assert again.token_ids == first.token_ids
    passes = [event for event in events if isinstance(event, PassDone)]
    assert again.passes == len(passes) < 20
    assert again.later_tokens == 20 - len(passes[0].token_ids)
    assert again.k_max == 8


def test_a_cancelled_answer_is_no_measurement():
    stop = Cancel()
    stop.set()
    with pytest.raises(Cancelled):
        decode_answer(toy_session(), Request(ASKED), 0.9, stop)


def test_ways_without_a_threshold_have_the_one_that_means_the_same():
    assert way_of("next_token", 0.4) == NEXT_TOKEN
    assert way_of("static_k", 0.4).threshold == 0.0
    assert way_of("confadapt", 0.4).threshold == 0.4
    assert len({GENERATE, NEXT_TOKEN}) == 2


def test_a_way_is_a_strategy_of_ours_or_a_peer():
    assert (GENERATE.peer, NEXT_TOKEN.peer) == ("transformers_generate", None)
    assert [Way(name, 1.0).strategy for name in STRATEGIES] == list(STRATEGIES)


def test_provisional_tokens_are_counted():
    request = Request(ASKED, "verified", max_new_tokens=30)
    measured, events = decode_answer(toy_session(), request, 1.0, Cancel())
    passes = [event for event in events if isinstance(event, PassDone)]
    assert measured.provisional == sum(one.provisional for one in passes) > 0
    assert measured.confirmed == sum(one.confirmed for one in passes) <= measured.provisional
    assert measured.peak_memory is None
