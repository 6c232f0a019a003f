"""Exact strategies on the toy model in float64: whatever is proposed, the answer stays the same."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.control import Cancel, Threshold
from core.engine import session as session_module
from core.engine.cache import common_prefix
from core.engine.confidence import Slots
from core.engine.experience import Chances, Experience
from core.engine.request import Message, Request
from core.engine.sampling import Sampler
from core.engine.session import Session
from core.engine.strategies.decision import Decision, Seen
from core.errors import KnownError
from core.events import PassDone
from core.model.loading import Loaded
from tests.core.engine.harness import (
    CPU,
    NOWHERE,
    decode,
    ended,
    generated,
    left_after_close,
    passes,
    started,
    token_ids,
    toy_session,
    user,
)
from tests.core.engine.test_head_chain import toy_heads
from tests.core.toy import END_ID, toy_model, toy_tokenizer

PROMPTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(str.strip)
BARE = toy_session(adapter=False)


class Trust(Chances):
    """Believes every draft."""

    def of(self, confidence: float) -> float:
        return 1.0


class Eager(Experience):
    """Believes every draft and finds rows free, so that everything is proposed."""

    def __init__(self) -> None:
        super().__init__()
        self.chances = defaultdict(Trust)

    def price(self, rows: int, masks: int) -> float:
        return 0.0

    def row_price(self, masks: int) -> float:
        return 0.0


@dataclass
class Prophet:
    """Knows the answer and lies now and then; may keep what it knows to be true."""

    answer: list[int]
    prompt_tokens: int
    rng: random.Random
    lies: float
    keeps: bool = False
    is_exact: bool = True

    def masks(self, drafts: int, most: int, threshold: float) -> int:
        return self.rng.randint(0, most)

    def decide(self, seen: Seen) -> Decision:
        at = len(seen.tokens) - self.prompt_tokens
        truth = self.answer[at : at + min(seen.room, self.rng.randint(0, 6))]
        told = [t if self.rng.random() > self.lies else self.rng.randrange(265) for t in truth]
        kept = self.rng.randint(0, common_prefix(told, truth)) if self.keeps else 0
        slots = seen.slots
        return Decision(
            Slots(
                [slots.ids[0], *told],
                [slots.confidences[0], *[0.5] * len(told)],
                [[] for _ in range(len(told) + 1)],
            ),
            kept=1 + kept,
            provisional=len(told) - kept,
        )


def consistent(done: list[PassDone]) -> None:
    """What was provisional is confirmed or refused in the next pass, and slot 1 follows it."""
    for before, after in pairwise(done):
        if after is not done[-1]:
            assert after.confirmed + after.refused == before.provisional
        shown = before.proposed_ids[before.kept : before.kept + after.confirmed]
        assert after.token_ids[: after.confirmed] == shown


@given(
    text=PROMPTS,
    seed=st.integers(0, 99),
    lies=st.sampled_from([0.0, 0.3, 1.0]),
    keeps=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_proposals_give_the_greedy_answer(text, seed, lies, keeps):
    session = toy_session(toy_model(seed % 5), scale=0.2)
    plain = decode(session, text, "next_token", max_new_tokens=24)
    prophet = Prophet(token_ids(plain), plain[0].prompt_tokens, random.Random(seed), lies, keeps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "make_strategy", lambda *_: prophet)
        exact = decode(session, text, "verified", max_new_tokens=24, k_max=4)
    assert token_ids(exact) == token_ids(plain) == generated(session, plain, 24)
    assert ended(exact).text == ended(plain).text
    assert ended(exact).stop_reason == ended(plain).stop_reason
    consistent(passes(exact))
    if lies == 0.0 and len(token_ids(plain)) > 12:
        assert len(passes(exact)) < len(passes(plain))


@given(
    text=PROMPTS,
    seed=st.integers(0, 9),
    scale=st.sampled_from([0.0, 0.2, 5.0]),
    k_max=st.integers(1, 16),
    strategy=st.sampled_from(["verified", "prompt_lookup"]),
    is_eager=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_every_exact_strategy_gives_the_greedy_answer(text, seed, scale, k_max, strategy, is_eager):
    session = toy_session(toy_model(seed, sharpness=[9.0, 24.0][seed % 2]), scale=scale)
    session._experience = Eager() if is_eager else Experience()
    plain = decode(session, text, "next_token", max_new_tokens=40)
    exact = decode(session, text, strategy, max_new_tokens=40, k_max=k_max)
    assert token_ids(exact) == token_ids(plain)
    assert all(one.is_exact for one in passes(exact))
    consistent(passes(exact))


def test_eager_proposals_are_both_confirmed_and_refused():
    """Else the tests above would prove little."""
    confirmed = refused = 0
    for seed in range(10):
        session = toy_session(toy_model(seed, sharpness=9.0), scale=0.2)
        session._experience = Eager()
        for one in passes(decode(session, "a b a b a b", "verified", max_new_tokens=40)):
            confirmed += one.confirmed
            refused += one.refused
    assert confirmed > 20
    assert refused > 20


def test_prompt_lookup_needs_no_adapter_and_saves_passes_where_text_repeats():
    session = toy_session(toy_model(0, sharpness=9.0), adapter=False)  # soon repeats itself
    session._experience = Eager()  # whatever a busy machine's passes cost
    plain = decode(session, "x", "next_token", max_new_tokens=60)
    exact = decode(session, "x", "prompt_lookup", max_new_tokens=60)
    assert token_ids(exact) == token_ids(plain)
    assert len(passes(exact)) < 0.7 * len(passes(plain))
    assert {one.proposer for one in passes(exact) if one.provisional} == {"prompt lookup"}


@pytest.mark.parametrize("place", [1, 2, 3, 4, 5])
def test_an_end_token_among_confirmed_tokens_ends_the_answer(place):
    session = toy_session(scale=0.2)
    plain = decode(session, strategy="next_token")
    ids = token_ids(plain)
    end = ids[place]
    prophet = Prophet(ids, plain[0].prompt_tokens, random.Random(0), 0.0)
    prophet.rng.randint = lambda low, high: high  # type: ignore[method-assign]
    session.end_ids = frozenset({end, END_ID})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "make_strategy", lambda *_: prophet)
        exact = decode(session, strategy="verified")
    assert token_ids(exact) == ids[: ids.index(end) + 1]
    assert ended(exact).stop_reason == "end_token"
    assert passes(exact)[-1].provisional == 0


def test_a_stop_string_inside_confirmed_tokens_is_cut_away():
    session = toy_session(scale=0.2)
    session._experience = Eager()
    plain = decode(session, "a b a b", "next_token", max_new_tokens=60)
    text = ended(plain).text
    stop = text[len(text) // 2 :][:3]
    same = [
        ended(decode(session, "a b a b", name, max_new_tokens=60, stop=(stop,)))
        for name in ("next_token", "verified", "prompt_lookup")
    ]
    assert {one.text for one in same} == {text[: text.index(stop)]}
    assert {one.stop_reason for one in same} == {"stop_string"}


@given(limit=st.integers(1, 30), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_the_budget_is_honoured_exactly(limit, seed):
    session = toy_session(toy_model(seed), scale=0.2)
    session._experience = Eager()
    events = decode(session, "a b a b", "verified", max_new_tokens=limit)
    if ended(events).stop_reason == "max_new_tokens":
        assert len(token_ids(events)) == limit


def test_exact_may_be_switched_on_and_off_in_mid_answer():
    """On: the rest is what the model itself would say to the text so far. Off: ConfAdapt again."""
    session = toy_session(scale=0.2)
    session._experience = Eager()
    threshold = Threshold(0.0)
    done = []
    request = Request(user("a b c"), max_new_tokens=40, k_max=4)
    for event in session.stream(request, Cancel(), threshold):
        if isinstance(event, PassDone):
            done.append(event)
            if event.index == 2:
                threshold.set_exact()
            if event.index == 20:
                threshold.set(0.0)
    assert [one.is_exact for one in done] == [2 < one.index <= 20 for one in done]
    prompt = [*session._cache._tokens][: -sum(len(one.token_ids) for one in done[:-1])]
    before: list[int] = []
    for one in done:
        for token_id in one.token_ids:
            if one.is_exact:
                ids = torch.tensor([[*prompt, *before]])
                assert int(session.loaded.model(ids).logits[0, -1].argmax()) == token_id
            before.append(token_id)
    assert max(len(one.token_ids) for one in done[21:]) == 4


def test_an_answer_that_begins_exact_says_so():
    events = list(
        BARE.stream(Request(user("x"), max_new_tokens=3), Cancel(), Threshold(0.9, is_exact=True))
    )
    assert events[0].strategy == "verified"
    assert all(one.is_exact for one in passes(events))


def test_a_cancel_between_passes_leaves_no_provisional_token_behind():
    session = toy_session(scale=0.2)
    session._experience = Eager()
    plain = decode(session, "a b a b", "next_token", max_new_tokens=30)
    stream = session.stream(
        Request(user("a b a b"), strategy="verified", max_new_tokens=30),
        Cancel(),
        Threshold(1.0),
    )
    seen = [next(stream) for _ in range(6)]
    stream.close()
    part = [t for one in seen[1:] for t in one.token_ids]
    assert part == token_ids(plain)[: len(part)]
    again = decode(session, "a b a b", "verified", max_new_tokens=30)
    assert token_ids(again) == token_ids(plain)


def distribution(strategy, draws, **options):
    """Frequencies of three-token answers under sampling; the model knows few tokens."""
    session = toy_session(toy_model(3, sharpness=9.0), scale=0.2)
    session._experience = Eager()
    found: Counter[tuple[int, ...]] = Counter()
    for seed in range(draws):
        events = decode(
            session,
            "a b a b a b",
            strategy,
            max_new_tokens=3,
            temperature=1.0,
            seed=seed,
            **options,
        )
        found[tuple(token_ids(events))] += 1
    return found


@pytest.mark.parametrize("strategy", ["verified", "prompt_lookup"])
def test_sampling_is_exact_in_distribution(strategy):
    """Both samples of answers are compared with the distribution itself: total variation."""
    draws, top_p = 700, 0.05
    plain = distribution("next_token", draws, top_p=top_p)
    exact = distribution(strategy, draws, top_p=top_p)
    kinds = plain.keys() | exact.keys()
    assert len(kinds) > 3
    apart = sum(abs(plain[one] - exact[one]) for one in kinds) / (2 * draws)
    # Two samples of one distribution over K kinds are about sqrt(K / (pi n)) apart.
    assert apart < 2 * math.sqrt(len(kinds) / (math.pi * draws))


@given(seed=st.integers(0, 200), draft=st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_checking_a_draft_draws_from_the_same_distribution(seed, draft):
    logits = torch.randn(5, generator=torch.Generator().manual_seed(seed))
    wanted = (logits / 0.8).softmax(-1)
    sampler = Sampler(Request(user("x"), temperature=0.8, seed=seed))
    drawn = Counter(sampler.check(logits, draft) for _ in range(2000))
    for token_id, probability in enumerate(wanted.tolist()):
        spread = math.sqrt(probability * (1 - probability) / 2000)
        assert abs(drawn[token_id] / 2000 - probability) < 5 * spread + 1e-3


def heads_session(seed: int, count: int = 3) -> Session:
    """Random heads behind a toy model that soon repeats itself."""
    model, heads = toy_heads(count, seed, sharpness=9.0)
    loaded = Loaded(model, toy_tokenizer(), None, CPU, torch.float64, heads=heads)
    return Session(loaded, NOWHERE, None)


def test_closed_heads_leave_nothing_to_the_collector_of_cycles():
    session = heads_session(0)
    decode(session, "the cat", "heads", max_new_tokens=8)
    assert left_after_close(session) == 0


@given(
    text=PROMPTS,
    seed=st.integers(0, 5),
    threshold=st.sampled_from([0.0, 0.5]),
    k_max=st.integers(1, 5),
    is_eager=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_heads_give_the_greedy_answer_in_every_turn(text, seed, threshold, k_max, is_eager):
    session = heads_session(seed)
    session._experience = Eager() if is_eager else Experience()
    turns = user(text)
    for _ in range(2):  # the second prompt begins with the first one, whose rows are kept
        plain = decode(session, "", "next_token", messages=turns, max_new_tokens=16)
        session.forget()
        options = {"messages": turns, "max_new_tokens": 16, "k_max": k_max}
        exact = decode(session, "", "heads", threshold, **options)
        assert token_ids(exact) == token_ids(plain)
        consistent(passes(exact))
        again = decode(session, "", "heads", threshold, **options)
        assert token_ids(again) == token_ids(plain)
        assert started(again).reused_tokens > 0
        turns = (*turns, Message("assistant", ended(plain).text or "x"), Message("user", "more"))


def test_what_heads_propose_is_checked_and_some_of_it_refused():
    session = heads_session(1)
    session._experience = Eager()
    done = passes(decode(session, "a b a b", "heads", 0.0, max_new_tokens=30))
    assert {one.proposer for one in done} == {"heads"}
    assert sum(one.refused for one in done) > 10
    assert all(len(one.confidences) == len(one.proposed_ids) for one in done)
    assert all(one.width == 1 + one.confirmed + one.refused for one in done[1:])


def test_a_threshold_ends_the_chain():
    session = heads_session(1)
    session._experience = Eager()
    done = passes(decode(session, "a b a b", "heads", 1.0, max_new_tokens=12))
    assert not any(one.provisional for one in done)


def test_answers_in_other_ways_in_between_do_no_harm():
    session = heads_session(2)
    session._experience = Eager()
    plain = token_ids(decode(session, "a b c", "next_token", max_new_tokens=20))
    for strategy in ("heads", "prompt_lookup", "heads", "verified", "heads"):
        assert token_ids(decode(session, "a b c", strategy, max_new_tokens=20)) == plain


def test_heads_are_missed_with_a_sentence():
    with pytest.raises(KnownError, match="No heads"):
        decode(BARE, "x", "heads")
