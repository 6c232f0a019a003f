"""Strategies, confidences, sampling, cache and linear layers, each on its own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.profiler import ProfilerActivity, profile
from transformers import MistralConfig, MistralForCausalLM

from core.control import Cancel, Threshold
from core.engine.cache import TokenCache, common_prefix, crop
from core.engine.confidence import Slots, read_slots
from core.engine.experience import Experience
from core.engine.request import Request
from core.engine.sampling import Sampler
from core.engine.strategies import make_strategy
from core.engine.strategies.decision import Seen
from core.errors import KnownError
from core.model.linear import RowsLinear, use_rows_linear
from core.rule import USUAL_RULE, Rule
from tests.core.engine.harness import CPU, decode, passes, token_ids, toy_session, user
from tests.core.toy import toy_model
from tests.core.train.test_layout import random_adapter

SURE = (0.5, 0.95, 0.9, 0.2, 0.99)


@pytest.mark.parametrize(
    ("name", "rule", "confidences", "kept", "provisional"),
    [
        ("next_token", USUAL_RULE, SURE, 1, 0),
        ("static_k", USUAL_RULE, SURE, 5, 0),
        ("confadapt", Rule(1, checks=False), SURE, 1, 0),
        ("confadapt", Rule(2, checks=False), SURE, 3, 0),
        ("confadapt", Rule(1), SURE, 1, 2),
        ("confadapt", Rule(2), SURE, 3, 0),
        ("confadapt", Rule(1), (0.9, 0.9, 0.8), 2, 1),
        ("confadapt", Rule(2), (0.1, 0.9, 0.5, 0.7, 0.49, 0.99), 2, 2),
        ("confadapt", Rule(2), (0.1,), 1, 0),
        ("confadapt", Rule(1), (1.0, 1.0), 2, 0),
    ],
)
def test_what_is_kept_and_what_is_checked(name, rule, confidences, kept, provisional):
    strategy = make_strategy(name, rule, Experience())
    slots = Slots(list(range(len(confidences))), list(confidences), [[] for _ in confidences])
    decision = strategy.decide(Seen(slots, [1, 2, 0], 9, 0.9))
    assert (decision.kept, decision.provisional) == (kept, provisional)
    assert decision.slots is slots


@pytest.mark.parametrize(
    ("name", "threshold", "masks"),
    [("next_token", 0.5, 0), ("static_k", 1.0, 7), ("confadapt", 0.99, 7), ("confadapt", 1.0, 0)],
)
def test_how_many_mask_rows_are_asked_for(name, threshold, masks):
    assert make_strategy(name, USUAL_RULE, Experience()).masks(0, 7, threshold) == masks


def test_slots_are_argmax_and_top_probability():
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0)) * 3
    slots = read_slots(logits)
    probabilities = logits.softmax(-1)
    assert slots.ids == logits.argmax(-1).tolist()
    assert slots.confidences == pytest.approx(probabilities.max(-1).values.tolist(), rel=1e-5)
    for row, others, best in zip(probabilities, slots.others, slots.ids, strict=True):
        order = [i for i in row.argsort(descending=True).tolist() if i != best][:3]
        assert [token_id for token_id, _ in others] == order
        assert [p for _, p in others] == pytest.approx(row[order].tolist(), rel=1e-5)


def test_equal_logits_give_the_first_as_argmax_does():
    logits = torch.zeros(2, 40)
    assert read_slots(logits).ids == [0, 0]
    assert all(0 not in [i for i, _ in row] for row in read_slots(logits).others)


def test_a_certain_slot_has_confidence_one_and_no_more():
    logits = torch.full((1, 10), -1e4)
    logits[0, 3] = 1e4
    assert read_slots(logits).confidences == [1.0]


def test_a_tiny_vocabulary_has_fewer_alternatives():
    assert [len(row) for row in read_slots(torch.randn(2, 3)).others] == [2, 2]


def sampler(**options):
    return Sampler(Request(user("x"), **options))


def test_draws_follow_the_distribution():
    logits = torch.tensor([2.0, 1.0, 0.0, -50.0])
    one = sampler(temperature=2.0, seed=3)
    draws = torch.tensor([one.draw(logits) for _ in range(4000)])
    shares = torch.bincount(draws, minlength=4) / 4000
    assert torch.allclose(shares, (logits / 2).softmax(-1), atol=0.03)


def test_top_p_keeps_the_fewest_tokens_that_reach_it():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    one = sampler(temperature=1.0, top_p=0.6)
    assert {one.draw(logits) for _ in range(300)} == {0, 1}
    tiny = sampler(temperature=1.0, top_p=1e-6)
    assert {tiny.draw(logits) for _ in range(50)} == {0}


def test_a_tiny_temperature_is_greedy_not_an_overflow():
    one = sampler(temperature=1e-50)
    assert {one.draw(torch.tensor([1.0, 2.0, 300.0])) for _ in range(20)} == {2}


def test_a_seed_repeats_an_answer():
    session = toy_session(scale=0.2)
    options = {"temperature": 1.5, "threshold": 0.1}
    first = token_ids(decode(session, seed=1, **options))
    assert first == token_ids(decode(session, seed=1, **options))
    assert first != token_ids(decode(session, seed=2, **options))


def test_a_draw_off_the_argmax_ends_the_block():
    session = toy_session(scale=0.2)
    events = decode(session, "hello", "static_k", temperature=3.0, max_new_tokens=60, k_max=4)
    sizes = set()
    for one in passes(events)[:-1]:
        top = one.confidences[0]
        is_argmax = all(probability <= top for _, _, probability in one.alternatives[0])
        is_drawn = one.alternatives[0][0][2] == top
        assert is_argmax
        assert len(one.token_ids) == (1 if is_drawn else 4)
        sizes.add(len(one.token_ids))
    assert sizes == {1, 4}


@given(left=st.lists(st.integers(0, 2)), right=st.lists(st.integers(0, 2)))
def test_common_prefix(left, right):
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert left[length : length + 1] != right[length : length + 1] or length in (
        len(left),
        len(right),
    )


@pytest.mark.parametrize("drop", [0, 1, 3])
def test_crop_removes_the_end_and_nothing_else(drop):
    model = toy_model()
    cache = TokenCache(model, None, CPU)
    cache.forward([1, 2, 3, 4], 0)
    before = [layer.keys.clone() for layer in cache._cache.layers]
    crop(cache._cache, drop)
    assert cache._cache.get_seq_length() == 4 - drop
    for layer, keys in zip(cache._cache.layers, before, strict=True):
        assert torch.equal(layer.keys, keys[..., : 4 - drop, :])


def test_mask_entries_never_stay():
    session = toy_session()
    cache = session._cache
    for _ in session.stream(Request(user("abc"), max_new_tokens=20), Cancel(), Threshold(0.2)):
        assert cache._cache.get_seq_length() == len(cache)


def test_a_cache_that_cannot_be_cropped_is_refused():
    config = MistralConfig(
        vocab_size=20, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, sliding_window=4,
    )  # fmt: skip
    with pytest.raises(KnownError, match="cannot be cropped"):
        TokenCache(MistralForCausalLM(config), None, CPU)


@pytest.mark.parametrize("rows", [1, 3, 4, 8, 32, 33])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_our_linear_layer_computes_what_torchs_does(rows, bias, dtype):
    layer = torch.nn.Linear(24, 40, bias=bias, dtype=dtype)
    x = torch.randn(2, rows + 3, 24, dtype=dtype)[:, 3:]
    usual = layer(x)
    layer.__class__ = RowsLinear
    ours = layer(x)
    assert torch.allclose(ours, usual, atol=1e-5 if dtype == torch.float32 else 2e-2)
    assert ours.is_contiguous()


def test_a_slice_of_rows_does_not_copy_the_weight():
    layer = RowsLinear(24, 4096, bias=False, dtype=torch.bfloat16)
    layer.requires_grad_(False)
    x = torch.randn(1, 9, 24, dtype=torch.bfloat16)[:, -8:]
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        layer(x)
    assert not any(event.key == "aten::bmm" for event in seen.key_averages())


def test_layers_are_made_ours_on_the_cpu_and_keep_their_weights():
    model = toy_model(dtype=torch.float32)
    weight = model.lm_head.weight
    use_rows_linear(model)
    assert isinstance(model.lm_head, RowsLinear)
    assert model.lm_head.weight is weight


def test_temperatures_make_mask_rows_less_sure_and_nothing_else():
    model = toy_model()
    adapter = random_adapter(model)
    plain = TokenCache(model, adapter, CPU).forward([5, 6, 7], 3)
    adapter.temperatures = torch.tensor([1.0, 2.0, 1.5, 1.0])
    scaled = TokenCache(model, adapter, CPU).forward([5, 6, 7], 3)
    torch.testing.assert_close(scaled * torch.tensor([[1.0], [1.0], [2.0], [1.5]]), plain)
