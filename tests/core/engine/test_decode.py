"""The pass loop on the toy model in float64."""

from __future__ import annotations

from itertools import takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.control import Cancel, Threshold
from core.engine.request import Request
from core.errors import KnownError
from core.events import PassDone
from core.rule import CHECKED_FROM, Rule
from tests.core.engine.harness import (
    decode,
    ended,
    generated,
    passes,
    started,
    teacher_forced,
    token_ids,
    toy_session,
    user,
)
from tests.core.toy import CONTEXT, END_ID, toy_model

SESSION = toy_session(scale=0.2)
PROMPTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(str.strip)


@given(text=PROMPTS)
@settings(max_examples=8, deadline=None)
def test_one_token_decoding_equals_generate(text):
    events = decode(SESSION, text, "next_token", max_new_tokens=24)
    assert token_ids(events) == generated(SESSION, events, 24)
    assert token_ids(events) == teacher_forced(SESSION, events)
    assert all(len(one.token_ids) == 1 for one in passes(events))


@given(text=PROMPTS)
@settings(max_examples=8, deadline=None)
def test_a_threshold_of_one_equals_one_token_decoding(text):
    slow = decode(SESSION, text, "next_token")
    fast = decode(SESSION, text, "confadapt", 1.0)
    assert token_ids(fast) == token_ids(slow)
    assert all(one.width == 1 for one in passes(fast)[1:])


@given(text=PROMPTS, threshold=st.floats(0, 1), k_max=st.integers(1, 8))
@settings(max_examples=12, deadline=None)
def test_cached_passes_equal_uncached_ones(text, threshold, k_max):
    """Every pass again, with a fresh session that reads all of the text before it anew."""
    events = decode(SESSION, text, "confadapt", threshold, k_max=k_max, max_new_tokens=12)
    loaded = SESSION.loaded
    prompt = loaded.tokenizer(started(events).prompt_text, add_special_tokens=False)["input_ids"]
    fresh = toy_session(loaded.model, scale=0.2)
    before = list(prompt)
    for one in passes(events):
        if one.kept == 0:  # the answer ended within what it confirmed
            break
        fresh._cache.clear()
        masks = len(one.proposed_ids) - 1
        logits = fresh._cache.forward([*before, *one.token_ids[: one.confirmed]], masks)
        assert tuple(logits.argmax(-1).tolist()) == one.proposed_ids
        before += one.token_ids


@given(
    text=PROMPTS,
    threshold=st.floats(0, 1),
    limit=st.integers(1, 20),
    k_max=st.integers(1, 16),
    strategy=st.sampled_from(["next_token", "static_k", "confadapt"]),
)
@settings(max_examples=20, deadline=None)
def test_the_budget_is_honoured_exactly(text, threshold, limit, k_max, strategy):
    events = decode(SESSION, text, strategy, threshold, max_new_tokens=limit, k_max=k_max)
    ids = token_ids(events)
    assert len(ids) == ended(events).tokens
    if ended(events).stop_reason == "max_new_tokens":
        assert len(ids) == limit
    else:
        assert ended(events).stop_reason == "end_token"
        assert len(ids) <= limit
        assert ids.index(END_ID) == len(ids) - 1


@given(
    threshold=st.floats(0, 1),
    first=st.sampled_from([1, 2]),
    checks=st.booleans(),
)
@settings(max_examples=24, deadline=None)
def test_every_pass_follows_the_rule(threshold, first, checks):
    request = Request(user("one two"), max_new_tokens=20)
    stream = SESSION.stream(request, Cancel(), Threshold(threshold), Rule(first, checks))
    done, pending = passes(list(stream)), ()
    for one in done:
        kept = max(1, run_of(one.confidences, first - 1, threshold))
        tokens = pending[: one.confirmed] + one.proposed_ids[:kept]
        if END_ID in tokens:
            tokens = tokens[: tokens.index(END_ID) + 1]
        if one is not done[-1]:  # where room or answer end, less counts
            assert one.token_ids == tokens
            assert one.confirmed + one.refused == len(pending)
        assert one.token_ids == tokens[: len(one.token_ids)]
        last = max(kept, run_of(one.confidences, kept, CHECKED_FROM)) if checks else kept
        pending = one.proposed_ids[kept:last]
        assert one.provisional == (0 if one is done[-1] else len(pending))
        assert not one.refused or len(one.proposed_ids) == 1
        assert len(one.confidences) == len(one.alternatives) == len(one.proposed_ids)
        assert all(
            one.proposed_ids[i] not in [a[0] for a in row] for i, row in enumerate(one.alternatives)
        )


def run_of(confidences, start, least):
    """Where the run ends that begins at a slot and reaches so much confidence."""
    return start + len(list(takewhile(lambda one: one >= least, confidences[start:])))


def test_several_tokens_a_pass_and_their_widths():
    events = decode(SESSION, strategy="static_k", k_max=4, max_new_tokens=10)
    assert [len(one.token_ids) for one in passes(events)] == [4, 4, 2]
    prompt = started(events).prompt_tokens - started(events).reused_tokens
    assert [one.width for one in passes(events)] == [prompt + 3, 4 + 3, 4 + 1]
    assert [one.index for one in passes(events)] == [0, 1, 2]


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_an_end_token_inside_a_block_ends_the_answer(place):
    session = toy_session(scale=0.2)
    plain = token_ids(decode(session, strategy="static_k", k_max=4))
    end = plain[place]
    first = plain.index(end)
    session.end_ids = frozenset({end, END_ID})
    events = decode(session, strategy="static_k", k_max=4)
    assert token_ids(events) == plain[: first + 1]
    assert ended(events).stop_reason == "end_token"


def test_the_models_own_list_of_end_tokens_counts():
    model = toy_model()
    model.generation_config.eos_token_id = [7, 9]
    assert toy_session(model).end_ids == {7, 9, END_ID}


def test_the_threshold_may_change_between_passes():
    threshold = Threshold(1.0)
    widths = []
    request = Request(user("a b c"), max_new_tokens=30, k_max=4)
    for event in SESSION.stream(request, Cancel(), threshold):
        if isinstance(event, PassDone):
            widths.append(len(event.token_ids))
            assert event.threshold == (0.0 if event.index >= 3 else 1.0)
            if event.index == 2:
                threshold.set(0.0)
    assert widths[:5] == [1, 1, 1, 4, 4]


def test_cancel_acts_within_one_pass():
    cancel = Cancel()
    events = []
    for event in SESSION.stream(Request(user("a b c")), cancel, Threshold(0.9)):
        events.append(event)
        if isinstance(event, PassDone) and event.index == 2:
            cancel.set()
    assert len(passes(events)) == 3
    assert ended(events).stop_reason == "cancelled"
    assert ended(events).text == "".join(one.text for one in passes(events))


def test_a_closed_stream_leaves_a_usable_session():
    stream = SESSION.stream(Request(user("a b c")), Cancel(), Threshold(0.3))
    for _ in range(4):
        next(stream)
    stream.close()
    again = decode(SESSION, "a b c", "next_token", max_new_tokens=16)
    assert token_ids(again) == generated(SESSION, again, 16)


def test_two_answers_at_once_are_a_bug():
    stream = SESSION.stream(Request(user("a")), Cancel(), Threshold(0.3))
    next(stream)
    with pytest.raises(RuntimeError):
        decode(SESSION)
    stream.close()


def test_a_failing_pass_leaves_a_usable_session(monkeypatch):
    session = toy_session()
    layer = session.loaded.model.model.layers[1]
    monkeypatch.setattr(layer, "forward", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        decode(session)
    monkeypatch.undo()
    again = decode(session, strategy="next_token", max_new_tokens=8)
    assert token_ids(again) == generated(session, again, 8)


def test_the_contexts_end_shrinks_k_and_ends_the_answer():
    session = toy_session(scale=0.2)
    session.end_ids = frozenset()
    events = decode(session, "x" * 180, "static_k", k_max=8, max_new_tokens=None)
    assert ended(events).stop_reason == "context_full"
    assert started(events).prompt_tokens + len(token_ids(events)) == CONTEXT
    exact = decode(session, "x" * 180, "static_k", k_max=8, max_new_tokens=len(token_ids(events)))
    assert ended(exact).stop_reason == "max_new_tokens"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text": " \n"}, "empty"),
        ({"text": "x" * 500}, "at most 256"),
        ({"k_max": 0}, "k_max"),
        ({"k_max": 17}, "k_max"),
        ({"max_new_tokens": 0}, "at least one token"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"seed": 1 << 70}, "seed"),
        ({"text": "half a pair: \udce4"}, "no text"),
        ({"top_p": 0.0}, "top-p"),
        ({"threshold": 1.5}, "between 0 and 1"),
        ({"threshold": float("nan")}, "between 0 and 1"),
    ],
)
def test_bad_requests_get_a_sentence(options, words):
    with pytest.raises(KnownError, match=words):
        decode(SESSION, **options)


def test_without_an_adapter_every_pass_gives_one_token():
    session = toy_session(SESSION.loaded.model, adapter=False)
    for strategy in ("static_k", "confadapt"):
        events = decode(session, strategy=strategy, threshold=0.0)
        assert {len(one.token_ids) for one in passes(events)} == {1}
        assert "No adapter" in started(events).mtp_off_reason
    assert token_ids(events) == token_ids(decode(SESSION, strategy="next_token"))


def test_the_mask_token_of_a_full_adapter_is_never_emitted():
    session = toy_session(scale=0.2)
    plain = token_ids(decode(session, strategy="next_token", max_new_tokens=6))
    session.loaded.masks.mask_id = plain[0]
    other = token_ids(decode(session, strategy="static_k", max_new_tokens=30))
    assert plain[0] not in other


def test_an_unreachable_k_max_is_the_adapters():
    assert started(decode(SESSION, k_max=16)).k_max == 8
    assert started(decode(SESSION, k_max=3)).k_max == 3
    assert started(decode(SESSION, strategy="next_token", k_max=3)).k_max == 1
