from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.control import Cancel
from core.errors import Cancelled, KnownError
from core.model.fingerprint import (
    cached_weights_hash,
    read_header,
    text_fingerprint,
    weight_files,
    weights_hash,
)


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "b.weight": rng.standard_normal((3, 4)).astype(np.float32),
        "a.weight": rng.standard_normal((5,)).astype(np.float16),
        "c.empty": np.zeros((0, 2), np.float32),
    }


def write_single(folder: Path, metadata: dict[str, str] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    save_file(tensors(), folder / "model.safetensors", metadata=metadata)
    return folder


def write_sharded(folder: Path) -> Path:
    folder.mkdir()
    names = {"b.weight": "model-2.safetensors", "a.weight": "model-1.safetensors"}
    names["c.empty"] = "model-2.safetensors"
    for file in set(names.values()):
        save_file({n: t for n, t in tensors().items() if names[n] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    return folder


def test_the_hash_is_independent_of_sharding_and_metadata(tmp_path: Path) -> None:
    single = weights_hash(write_single(tmp_path / "one"))
    assert weights_hash(write_single(tmp_path / "two", {"format": "pt"})) == single
    assert weights_hash(write_sharded(tmp_path / "three")) == single
    assert len(single) == 64


@pytest.mark.parametrize("change", ["value", "name", "shape", "dtype"])
def test_any_change_of_the_tensors_changes_the_hash(tmp_path: Path, change: str) -> None:
    folder = write_single(tmp_path / "one")
    before = weights_hash(folder)
    changed = tensors()
    if change == "value":
        changed["b.weight"][0, 0] += 1
    elif change == "name":
        changed["d.weight"] = changed.pop("b.weight")
    elif change == "shape":
        changed["b.weight"] = changed["b.weight"].reshape(4, 3)
    else:
        changed["b.weight"] = changed["b.weight"].view(np.int32)
    save_file(changed, folder / "model.safetensors")
    assert weights_hash(folder) != before


@pytest.mark.parametrize("kept", [0, 4, 20, -1])
def test_a_truncated_file_is_named(tmp_path: Path, kept: int) -> None:
    file = write_single(tmp_path / "one") / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(KnownError, match=r"one.model\.safetensors is damaged"):
        weights_hash(file.parent)


@pytest.mark.parametrize(
    "header",
    [
        b"not json",
        b"[]",
        b'{"a": {}}',
        b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}',
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(KnownError, match="damaged"):
        read_header(file)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = write_sharded(tmp_path / "one")
    (folder / "model-1.safetensors").unlink()
    for hasher in (weights_hash, lambda one: cached_weights_hash(one, tmp_path / "cache")):
        with pytest.raises(KnownError, match=r"model-1\.safetensors"):
            hasher(folder)


def test_an_index_may_not_point_outside(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../other.safetensors"}}))
    with pytest.raises(KnownError, match="outside"):
        weight_files(tmp_path)
    index.write_text("{")
    with pytest.raises(KnownError, match="not an index"):
        weight_files(tmp_path)


def test_a_folder_without_weights_says_so(tmp_path: Path) -> None:
    with pytest.raises(KnownError, match="no safetensors"):
        weights_hash(tmp_path)


def test_the_cache_answers_until_a_file_changes(tmp_path: Path) -> None:
    folder, cache = write_single(tmp_path / "one"), tmp_path / "cache"
    first = cached_weights_hash(folder, cache)
    assert first == weights_hash(folder)
    file = folder / "model.safetensors"
    status = file.stat()
    file.write_bytes(b"\0" * status.st_size)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert cached_weights_hash(folder, cache) == first  # answered from memory, bytes unread
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    with pytest.raises(KnownError, match="damaged"):
        cached_weights_hash(folder, cache)


def test_a_cancel_ends_the_reading_and_nothing_is_remembered(tmp_path: Path) -> None:
    folder, cache = write_single(tmp_path / "one"), tmp_path / "cache"
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        cached_weights_hash(folder, cache, cancel)
    assert not cache.exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"x": 3}'])
def test_an_unreadable_cache_is_only_slower(tmp_path: Path, content: str) -> None:
    folder = write_single(tmp_path / "one")
    (tmp_path / "weights-hashes.json").write_text(content)
    assert cached_weights_hash(folder, tmp_path) == weights_hash(folder)


def test_text_fingerprint_is_sha256() -> None:
    assert text_fingerprint("") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
