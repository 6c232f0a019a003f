"""The packed layout sees what one prefix to a row sees."""

from __future__ import annotations

import random

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache

from core.engine.cache import cache_argument
from core.model.adapters import GatedAdapter
from core.train.data import Sample
from core.train.distill import GatedDistillation, at_anchors
from core.train.layout import Region, build_layout, draw_k, draw_regions, offset_stream
from core.train.prefixes import Prefixes
from core.train.reader import Reader
from tests.core.toy import END_ID, greedy, toy_model


def random_adapter(model, k_max: int = 5) -> GatedAdapter:
    torch.manual_seed(3)
    model.requires_grad_(False)
    adapter = GatedAdapter(model, rank=4, k_max=k_max)
    with torch.no_grad():
        for weight in adapter.updates:
            weight.copy_(torch.randn_like(weight) * 0.2)
    return adapter


@torch.no_grad()
def test_packed_regions_give_the_logits_of_one_prefix_to_a_row() -> None:
    model = toy_model()
    adapter = random_adapter(model)
    ids = torch.randint(0, 256, (2, 24), generator=torch.Generator().manual_seed(1))
    rows = [[Region(3, 5), Region(9, 5), Region(10, 5)], [Region(0, 3), Region(20, 3)]]
    layout = build_layout(rows, ids.shape[1])
    reader = Reader(model)
    layers, prefix = reader.prefix(ids)
    with adapter.gate(layout.slot.shape[1]):
        packed = reader.head(reader.block(adapter.mask_vectors(layout.slot), layers, layout))
    anchors = reader.head(at_anchors(prefix, layout))

    first = 0
    for b, regions in enumerate(rows):
        at = 0
        for region in regions:
            masks = region.k - 1
            alone = adapter.inputs(ids[b : b + 1, : region.anchor + 1], masks)
            with adapter.gate(masks):
                expected = model(
                    inputs_embeds=alone, **{cache_argument(model): DynamicCache()}
                ).logits[0]
            torch.testing.assert_close(packed[b, at : at + masks], expected[-masks:])
            torch.testing.assert_close(anchors[first], expected[region.anchor])
            at += masks
            first += 1
        first += layout.slot.shape[1] - at  # padding rows count as regions of their own


def reference_loss(model, adapter, ids, regions) -> torch.Tensor:
    """One prefix to a row, plain causal calls, straight from the paper's formulas."""
    losses = []
    for b, region in regions:
        prefix = ids[b : b + 1, : region.anchor + 1]
        masks = region.k - 1
        with adapter.gate(masks):
            logits = model(inputs_embeds=adapter.inputs(prefix, masks)).logits[0, -region.k :]
        block = logits.argmax(-1)
        read = torch.cat([prefix, block[None, :-1]], dim=1)
        target = model(read).logits[0, -masks:].argmax(-1)
        ended = torch.isin(block[:-1], torch.tensor([END_ID])).cumsum(0) > 0
        each = torch.nn.functional.cross_entropy(logits[1:].float(), target, reduction="none")
        losses.append(each[~ended])
    return torch.cat(losses).mean()


def test_packed_loss_equals_one_prefix_to_a_row() -> None:
    model = toy_model(sharpness=6.0)
    adapter = random_adapter(model)
    ids = torch.randint(0, 256, (2, 24), generator=torch.Generator().manual_seed(2))
    rows = [[Region(3, 5), Region(9, 5)], [Region(0, 3), Region(7, 3), Region(21, 3)]]
    distill = GatedDistillation(model, adapter, torch.tensor([END_ID]), "hard")
    samples = [Sample(tuple(row), 0) for row in ids.tolist()]
    batch = Prefixes(model).batch(samples, build_layout(rows, ids.shape[1]), [True, True])
    outcome = distill(ids, batch)
    pairs = [(b, region) for b, regions in enumerate(rows) for region in regions]
    expected = reference_loss(model, adapter, ids, pairs)
    torch.testing.assert_close(outcome.loss, expected, check_dtype=False, rtol=1e-5, atol=1e-6)
    assert len(outcome.slots) == 2 * 4 + 3 * 2
    outcome.loss.backward()
    assert adapter.vectors.grad is not None
    assert adapter.vectors.grad.abs().sum() > 0
    assert all(one.grad is None for one in model.get_input_embeddings().parameters())


def test_a_row_of_the_models_own_is_its_own_teacher_beside_one_that_asks() -> None:
    model = toy_model(sharpness=6.0)
    adapter = random_adapter(model)
    with torch.no_grad():
        own = greedy(model, [7, 8, 9], 11)
    ids = torch.tensor([own, list(range(30, 44))])
    rows = [[Region(2, 4), Region(6, 4)], [Region(1, 4), Region(8, 4)]]
    samples = [Sample(tuple(row), 2 - b) for b, row in enumerate(ids.tolist())]
    batch = Prefixes(model).batch(samples, build_layout(rows, ids.shape[1]), [False, False])
    assert batch.asks.tolist() == [False, True]
    outcome = GatedDistillation(model, adapter, torch.tensor([END_ID]), "mixed")(ids, batch)
    along = []
    for region in rows[0]:
        prefix = ids[:1, : region.anchor + 1]
        with adapter.gate(3):
            logits = model(inputs_embeds=adapter.inputs(prefix, 3)).logits[0, -3:]
        target = ids[0, region.anchor + 2 : region.anchor + 5]
        along.append(torch.nn.functional.cross_entropy(logits.float(), target, reduction="sum"))
    taught = reference_loss(model, adapter, ids, [(1, one) for one in rows[1]])
    count = len(outcome.slots)
    expected = (sum(along) + taught * (count - 6)) / count
    torch.testing.assert_close(outcome.loss, expected, check_dtype=False, rtol=1e-5, atol=1e-6)


def test_slots_behind_an_end_token_do_not_count() -> None:
    layout = build_layout([[Region(2, 5), Region(4, 5)]], 8)
    from core.train.losses import supervised_rows

    read = torch.tensor([[5, END_ID, 6, 7, 5, 6, 7, END_ID]])
    counts = supervised_rows(read, layout, torch.tensor([END_ID]))
    assert counts.tolist() == [[True, False, False, False, True, True, True, False]]


@given(
    st.integers(0, 30), st.integers(2, 60), st.integers(2, 16), st.integers(15, 200),
    st.integers(0, 9999),
)  # fmt: skip
def test_regions_lie_inside_the_row_and_the_budget(first, more, k, budget, seed) -> None:
    length = first + more
    regions = draw_regions(first, length, k, budget, random.Random(seed))
    anchors = [region.anchor for region in regions]
    assert anchors == sorted(set(anchors))
    assert all(first <= anchor <= length - 2 for anchor in anchors)
    assert len(regions) * (k - 1) <= max(budget, k - 1)
    assert regions


def test_a_row_too_short_to_predict_from_has_no_regions() -> None:
    assert draw_regions(5, 6, 4, 40, random.Random(0)) == []


def test_k_and_offset_are_drawn_independently() -> None:
    """With one shared stream each k would see only two or three offsets."""
    offsets: dict[int, set[int]] = {}
    for step in range(400):
        k = draw_k(0, step, 0, 2, 8)
        share = offset_stream(0, step, 0).random()
        offsets.setdefault(k, set()).add(int(share * 10))
    assert set(offsets) == set(range(2, 9))
    assert all(len(seen) == 10 for seen in offsets.values())
    assert draw_k(0, 5, 1, 2, 8) == draw_k(0, 5, 1, 2, 8)
