from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.cli import models
from core.errors import KnownError
from core.paths import Paths
from core.settings import Settings, save_settings
from tests.core.model.fake_hub import REPO, FakeHub, serving, tiny_files, write_model


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(FakeHub(tiny_files()), monkeypatch) as running:
        yield running


def stride(*words: str) -> int:
    parser = argparse.ArgumentParser()
    models.add(parser.add_subparsers())
    args = parser.parse_args(["models", *words])
    return int(args.run(args))


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def model(paths: Paths, tmp_path: Path) -> Path:
    """A whole model and a broken one in a folder that the settings name."""
    folder = write_model(tmp_path / "folder" / "mine")
    broken = write_model(tmp_path / "folder" / "broken")
    (broken / "model.safetensors").unlink()
    save_settings(paths.settings_file, Settings(model_folders=(str(folder.parent),)))
    return folder


def test_list_names_every_model_with_its_state(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stride("list", "--json") == 0
    broken, mine = printed(capsys)["models"]
    assert (mine["name"], mine["path"], mine["fit"]) == ("mine", str(model), "fits")
    assert "pickle" in broken["problem"]
    assert broken["fit"] is None
    stride("list")
    shown = capsys.readouterr()
    assert "mine" in shown.out
    assert "stride models fetch" in shown.err


def test_show_has_the_path(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stride("show", "mine", "--json")
    assert printed(capsys)["path"] == str(model)
    stride("show", "mine")
    shown = capsys.readouterr().out
    assert str(model) in shown
    assert "mit" in shown
    stride("show", "broken")
    assert "problem  refused: pickle" in capsys.readouterr().out


def test_show_of_an_unknown_model_is_a_sentence() -> None:
    with pytest.raises(KnownError, match="no model named"):
        stride("show", "nothing", "--json")


def test_fetch_shows_the_terms_first_then_the_folder(
    hub: FakeHub, paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stride("fetch", REPO) == 0
    shown = capsys.readouterr()
    folder = paths.models / "someone--tiny"
    assert shown.out.strip() == str(folder)
    terms, *rest = shown.err.splitlines()
    assert "licence mit" in terms
    assert "1 MB" in terms
    assert "from http://127.0.0.1" in terms
    assert rest == [f"Downloading {REPO}"]
    hub.failures = [500] * 99
    stride("fetch", REPO, "--json")
    assert printed(capsys)["path"] == str(folder)


def test_fetch_offline_is_refused(paths: Paths) -> None:
    save_settings(paths.settings_file, Settings(offline=True))
    for name in ("starter", "someone/else"):
        with pytest.raises(KnownError, match="offline"):
            stride("fetch", name)
