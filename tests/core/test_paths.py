"""All user data moves with STRIDE_HOME; nothing is created by asking."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from core.paths import resources, user_paths


def test_everything_lies_under_stride_home(stride_home: Path) -> None:
    paths = user_paths()
    places = (
        paths.settings_file,
        paths.database,
        paths.models,
        paths.adapters,
        paths.runs,
        paths.logs,
        paths.cache,
    )
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(stride_home) for place in places)
    assert not stride_home.exists()


def test_without_stride_home_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIDE_HOME")
    assert "stride" in str(user_paths().database).lower()


def test_a_server_without_platformdirs_uses_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("STRIDE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert user_paths().database == tmp_path / ".stride" / "data" / "stride.db"


def test_resources_are_shipped() -> None:
    assert (resources() / "themes" / "light.toml").is_file()
