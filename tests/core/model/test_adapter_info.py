"""Adapters as folders: copied whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import KnownError
from core.model.adapter_info import (
    WEIGHTS_FILE,
    AdapterInfo,
    adapter_draft,
    export_adapter,
    read_adapter_info,
)


def write_adapter(folder: Path) -> Path:
    with adapter_draft(folder, AdapterInfo("gated", 4, "toy", "0", "", "", rank=2)) as draft:
        (draft / WEIGHTS_FILE).write_bytes(b"some weights")
    return folder


@pytest.fixture
def adapter(tmp_path) -> Path:
    return write_adapter(tmp_path / "pumps")


def test_a_copy_is_the_adapter(adapter: Path, tmp_path) -> None:
    (tmp_path / "into").mkdir()
    copy = export_adapter(adapter, tmp_path / "into")
    assert copy == tmp_path / "into" / "pumps"
    assert read_adapter_info(copy) == read_adapter_info(adapter)
    assert (copy / WEIGHTS_FILE).read_bytes() == b"some weights"


def test_a_name_that_is_taken_is_told(adapter: Path) -> None:
    with pytest.raises(KnownError, match="is there already"):
        export_adapter(adapter, adapter.parent)


def test_an_adapter_is_not_copied_into_itself(adapter: Path) -> None:
    with pytest.raises(KnownError, match="into itself"):
        export_adapter(adapter, adapter)


def test_nothing_half_copied_is_left(
    adapter: Path, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    into = tmp_path / "into"
    into.mkdir()
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(KnownError, match="No space left"):
        export_adapter(adapter, into)
    assert list(into.iterdir()) == []
