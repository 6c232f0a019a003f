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
from tests.core.toy import toy_model

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
    return kept.batch(samples, build_layout(regions, max(len(one.token_ids) for one in samples)))


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
