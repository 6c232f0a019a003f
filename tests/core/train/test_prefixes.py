"""What the base model says of rows is read once, and what is read back is what it said."""

from __future__ import annotations

import pytest
import torch

from core.errors import KnownError
from core.train import forecast
from core.train.data import Sample
from core.train.layout import Region, build_layout
from core.train.prefixes import MaskBatch, Prefixes
from core.train.seen_store import SeenStore
from tests.core.toy import greedy, toy_model

SAMPLES = [Sample(tuple(range(10, 22)), 3), Sample(tuple(range(30, 38)), 0)]


def read_count(kept: Prefixes, monkeypatch) -> list[int]:
    """Filled with the number of rows the model is asked about at a time."""
    asked: list[int] = []
    read = kept._read

    def counted(samples):
        asked.append(len(samples))
        return read(samples)

    monkeypatch.setattr(kept, "_read", counted)
    return asked


def seen(kept: Prefixes, samples=SAMPLES) -> MaskBatch:
    regions = [[Region(one.first, 3)] for one in samples]
    layout = build_layout(regions, max(len(one.token_ids) for one in samples))
    return kept.batch(samples, layout, [True] * len(samples))


def same(found: MaskBatch, expected: MaskBatch) -> bool:
    """Whether keys, values and tokens of the two rows are equal, padding left out."""
    pairs = [
        (one, other)
        for pair, told in zip(found.layers, expected.layers, strict=True)
        for one, other in zip(pair, told, strict=True)
    ]
    lengths = [len(one.token_ids) for one in SAMPLES]
    rows = all(
        torch.equal(one[b, :, :length], other[b, :, :length])
        for one, other in pairs
        for b, length in enumerate(lengths)
    )
    return rows and torch.equal(found.best, expected.best)


def test_rows_are_read_once_and_given_as_the_model_said_them(tmp_path, monkeypatch) -> None:
    model = toy_model()
    kept = Prefixes(model)
    kept.keep(SAMPLES, tmp_path)
    asked = read_count(kept, monkeypatch)
    computed = seen(kept)
    assert asked == [2]
    assert same(seen(kept), computed)
    assert asked == [2]
    cache = model(torch.tensor([SAMPLES[0].token_ids])).past_key_values
    keys, values = computed.layers[0]
    torch.testing.assert_close(keys[:1], cache.layers[0].keys)
    torch.testing.assert_close(values[:1], cache.layers[0].values)
    logits = model(torch.tensor([SAMPLES[0].token_ids])).logits[0]
    assert computed.best[0, 3:].tolist() == logits[3:].argmax(-1).tolist()


def test_the_file_goes_when_the_run_is_over_and_a_killed_runs_before(tmp_path) -> None:
    kept = Prefixes(toy_model())
    (tmp_path / "prefixes-0.bin").write_bytes(b"left over")
    kept.keep(SAMPLES, tmp_path)
    seen(kept)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size > 1000
    kept.close()
    assert not any(tmp_path.iterdir())


def test_without_room_every_visit_reads_anew(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(forecast, "MOST_KEPT", 1000)
    kept = Prefixes(toy_model())
    kept.keep(SAMPLES, tmp_path)
    asked = read_count(kept, monkeypatch)
    assert same(seen(kept), seen(kept))
    assert asked == [2, 2]
    assert not any(tmp_path.iterdir())


def test_a_disk_that_fills_up_ends_no_run(tmp_path, monkeypatch) -> None:
    kept = Prefixes(toy_model())
    kept.keep(SAMPLES, tmp_path)
    expected = seen(kept)

    def full(*_given) -> None:
        raise KnownError("No space left.")

    monkeypatch.setattr(SeenStore, "put", full)
    other = Sample((1, 2, 3), 0)
    assert seen(kept, [other]).best.shape == (1, 3)
    assert not any(tmp_path.iterdir())
    assert same(seen(kept), expected)


@pytest.mark.parametrize("first", [0, 3])
def test_tokens_before_the_answer_are_not_asked_for(first) -> None:
    batch = seen(Prefixes(toy_model()), [Sample(SAMPLES[0].token_ids, first)])
    assert not batch.best[0, :first].any()


def test_labels_are_the_models_own_continuation_as_far_as_the_row_holds_it() -> None:
    model = toy_model()
    ids = greedy(model, [5, 6, 7], 12)
    other = [*ids[:8], (ids[8] + 1) % 256, *ids[9:]]
    samples = [Sample(tuple(ids), 2), Sample(tuple(other), 2)]
    rows = [[Region(3, 4), Region(12, 4)], [Region(3, 4), Region(5, 4)]]
    batch = Prefixes(model).batch(samples, build_layout(rows, len(ids)), [False, False])
    assert batch.labels[0].tolist() == [*ids[5:8], ids[14], -1, -1]
    # In the other row position 8 is not the model's choice, but it says what the choice is.
    assert batch.labels[1].tolist() == [*ids[5:8], ids[7], ids[8], -1]


def test_rows_that_leave_the_models_way_ask_the_teacher() -> None:
    model = toy_model()
    own = greedy(model, [5, 6, 7], 12)
    samples = [Sample(tuple(own), 2), Sample(tuple(range(10, 25)), 2), Sample(tuple(own), 2)]
    layout = build_layout([[Region(3, 4)]] * 3, len(own))
    batch = Prefixes(model).batch(samples, layout, [False, False, True])
    assert batch.asks.tolist() == [False, True, True]
    part = batch.of(batch.asks)
    assert torch.equal(part.best, batch.best[1:])
    assert torch.equal(part.layout.anchor, layout.anchor[1:])
    assert torch.equal(part.layers[0][1], batch.layers[0][1][1:])
