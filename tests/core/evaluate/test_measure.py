"""One answer with a clock: both engines say the same greedily, and nothing is left behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.control import Cancel
from core.engine.request import Request
from core.engine.session import Session
from core.errors import Cancelled
from core.evaluate.measure import (
    GENERATE,
    NEXT_TOKEN,
    decode_answer,
    generate_answer,
    plain_layers,
    way_of,
)
from core.events import GenerationStarted, PassDone
from core.model.adapters import GatedAdapter
from core.model.loading import Loaded
from tests.core.engine.harness import CPU, NOWHERE, toy_session, user
from tests.core.toy import toy_model, toy_tokenizer

ASKED = user("Count to ten.")


def gated_session() -> Session:
    model = toy_model(dtype=torch.float32)
    masks = GatedAdapter(model, rank=2, k_max=4)
    nn.init.normal_(masks.updates[1])
    return Session(Loaded(model, toy_tokenizer(), masks, CPU, torch.float32), NOWHERE, NOWHERE)


def test_generate_and_one_token_decoding_answer_alike():
    session = gated_session()
    request = Request(ASKED, "next_token", max_new_tokens=20)
    ours, _ = decode_answer(session, request, 1.0, Cancel())
    theirs = generate_answer(session, ASKED, 20, Cancel())
    assert theirs.token_ids == ours.token_ids
    assert theirs.text.rstrip("�") == ours.text  # ours never ends in half a character
    assert theirs.later_tokens == ours.later_tokens == 19
    assert theirs.passes == 20
    assert 0 < theirs.prefill_seconds < theirs.seconds
    assert 0 < theirs.decode_seconds < theirs.seconds


def test_generate_runs_on_plain_layers_which_come_back():
    session = gated_session()
    model = session.loaded.model
    before = [type(layer) for layer in model.modules()]
    with plain_layers(session.loaded):
        linear = {type(one) for one in model.modules() if isinstance(one, nn.Linear)}
        assert linear == {nn.Linear}
        assert len(list(model.modules())) < len(before)
    assert [type(layer) for layer in model.modules()] == before


def test_layers_come_back_after_a_failure():
    session = gated_session()
    before = [type(layer) for layer in session.loaded.model.modules()]
    stop = Cancel()
    stop.set()
    with pytest.raises(Cancelled):
        generate_answer(session, ASKED, 20, stop)
    assert [type(layer) for layer in session.loaded.model.modules()] == before


def test_generate_stays_within_the_context():
    session = toy_session()
    measured = generate_answer(session, user("x" * 170), 300, Cancel())
    prompt = session.info.context_length - len(measured.token_ids)
    assert prompt > 170


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
