"""On the real starter model, in float32: one-token and exact decoding equal `model.generate`."""

from __future__ import annotations

import pytest
import torch

from core.control import Cancel, Threshold
from core.engine.request import Request
from core.engine.session import Session
from core.evaluate.prompts import built_in_prompts
from core.model.adapter_info import starter_adapter
from core.model.loading import load
from core.rule import USUAL_RULE, Rule
from tests.core.engine.harness import (
    decode,
    ended,
    generated,
    passes,
    teacher_forced,
    token_ids,
    user,
)
from tests.core.toy import ToyMasks

pytestmark = pytest.mark.starter
TOKENS = 24
PROMPTS = (
    "What is the capital of France?",
    "Count from 1 to 10, separated by commas.",
    "Write a Python function that adds two numbers.",
    "Name three colours.",
    "Schreibe einen Satz über München.",
    "Give me a JSON object with the keys name and age.",
    "Why is the sky blue? 🙂",
    "Say hello.",
)
SUBJECTS = ("rain", "a bridge", "the moon", "bread", "an old clock")
FORMS = (
    "Tell me about {}.",
    "List three facts about {}.",
    "Write a short poem on {}.",
    "Explain {} to a child.",
    "Translate '{}' into French.",
    "Is {} heavy? Answer yes or no.",
    "Write one line of Python that prints {}.",
    "Complete the sentence: I dreamed of {}",
    "Give a JSON object that describes {}.",
    "What rhymes with {}?",
)


@pytest.fixture(scope="module")
def session(starter_path):
    loaded = load(starter_path, None, torch.device("cpu"), torch.float32)
    loaded.masks = ToyMasks(loaded.model)
    return Session(loaded, starter_path, None)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_one_token_decoding_equals_generate(session, prompt):
    events = decode(session, prompt, "next_token", max_new_tokens=TOKENS)
    assert token_ids(events) == generated(session, events, TOKENS)


def test_a_threshold_of_one_equals_one_token_decoding(session):
    slow = decode(session, PROMPTS[0], "next_token", max_new_tokens=TOKENS)
    fast = decode(session, PROMPTS[0], "confadapt", 1.0, max_new_tokens=TOKENS)
    assert token_ids(fast) == token_ids(slow) == teacher_forced(session, slow)
    blocks = decode(session, PROMPTS[0], "static_k", max_new_tokens=TOKENS)
    assert ended(blocks).passes == TOKENS / 8
    assert {len(one.token_ids) for one in passes(blocks)} == {8}


@pytest.mark.heavy
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("form", FORMS)
def test_fifty_answers_equal_generate(session, form, subject):
    events = decode(session, form.format(subject), "next_token", max_new_tokens=TOKENS)
    assert (
        token_ids(events) == generated(session, events, TOKENS) == teacher_forced(session, events)
    )


@pytest.fixture(scope="module")
def adapted(starter_path):
    """The starter with its shipped adapter, so that much of what is proposed comes true."""
    adapter = starter_adapter()
    return Session(
        load(starter_path, adapter, torch.device("cpu"), torch.float32), starter_path, adapter
    )


LISTS = (
    "Count from 3 to 20, separated by commas. Start like this: 3, 4, 5,",
    "Repeat after me: one two three four, one two three four.",
)


@pytest.mark.parametrize("prompt", [*LISTS, *PROMPTS[:2]])
@pytest.mark.parametrize("strategy", ["verified", "prompt_lookup"])
def test_exact_answers_equal_generate(adapted, prompt, strategy):
    events = decode(adapted, prompt, strategy, max_new_tokens=TOKENS)
    assert token_ids(events) == generated(adapted, events, TOKENS)


def test_an_exact_answer_takes_fewer_passes(adapted):
    adapted.forget()
    events = decode(adapted, LISTS[0], "verified", max_new_tokens=48)
    assert len(passes(events)) < 0.7 * len(token_ids(events))


def test_checking_likely_slots_saves_passes_and_confirms_the_models_own(adapted):
    counts = []
    for rule in (Rule(checks=False), USUAL_RULE):
        adapted.forget()
        request = Request(user(PROMPTS[0]), max_new_tokens=48)
        events = list(adapted.stream(request, Cancel(), Threshold(0.99), rule))
        counts.append(len(passes(events)) / len(token_ids(events)))
        own, at = teacher_forced(adapted, events), 0
        for one in passes(events):
            confirmed = one.token_ids[: one.confirmed]
            assert list(confirmed) == own[at : at + one.confirmed]
            assert one.confirmed == 0 or rule.checks
            at += len(one.token_ids)
    assert counts[1] < counts[0]


@pytest.mark.heavy
@pytest.mark.parametrize("prompt", [one.prompt for one in built_in_prompts(12, 1)][:100])
def test_a_hundred_exact_answers_equal_generate(adapted, prompt):
    plain = decode(adapted, prompt, "next_token", max_new_tokens=TOKENS)
    wanted = generated(adapted, plain, TOKENS)
    for strategy in ("verified", "prompt_lookup"):
        assert token_ids(decode(adapted, prompt, strategy, max_new_tokens=TOKENS)) == wanted
