"""Settings survive a round trip, other versions and broken files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.errors import KnownError
from core.settings import Settings, load_settings, save_settings

CHANGED = Settings(
    theme="dark",
    offline=True,
    device="GPU-1",
    dtype="float32",
    last_model="toy",
    last_adapter={"toy": "none"},
    model_folders=("/a", "/b ä"),
    threshold=0.5,
    exact=True,
    proposals="prompt lookup",
    max_new_tokens=7,
    system_prompt='Say "no".\nTwice.',
)


def test_the_round_trip_keeps_every_field(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.toml"
    defaults = Settings()
    for field in dataclasses.fields(Settings):
        assert getattr(CHANGED, field.name) != getattr(defaults, field.name), field.name
    save_settings(path, CHANGED)
    assert load_settings(path) == CHANGED
    assert [file.name for file in path.parent.iterdir()] == ["settings.toml"]


def test_an_absent_file_means_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.toml") == Settings()


def test_keys_of_another_version_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('future = "yes"\ntheme = "light"\n', encoding="utf-8")
    save_settings(path, dataclasses.replace(load_settings(path), offline=True))
    assert 'future = "yes"' in path.read_text(encoding="utf-8")
    assert load_settings(path) == Settings(theme="light", offline=True)


@pytest.mark.parametrize("broken", [b"theme = ", b"\xff\xfe"])
def test_a_broken_file_is_named_and_left_as_it_is(broken: bytes, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(broken)
    with pytest.raises(KnownError, match="not readable TOML"):
        load_settings(path)
    with pytest.raises(KnownError):
        save_settings(path, Settings())
    assert path.read_bytes() == broken


@pytest.mark.parametrize(
    "line",
    [
        'threshold = "high"',
        'theme = "purple"',
        'model_folders = "ab"',
        "model_folders = [1]",
        'last_adapter = "x"',
        "max_new_tokens = true",
        "device = 3",
    ],
)
def test_a_value_of_another_type_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(KnownError, match=line.split()[0]):
        load_settings(path)


def test_a_whole_number_may_be_a_threshold(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("threshold = 1\n", encoding="utf-8")
    assert load_settings(path).threshold == 1
