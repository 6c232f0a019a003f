"""`stride runs clean` from end to end, in process."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli import runs
from core.errors import KnownError
from core.paths import Paths
from core.train import queue
from core.train.cleanup import has_checkpoint
from tests.core.train.runs import ended, make_run

Clean = Callable[..., int]


@pytest.fixture
def clean() -> Clean:
    """Runs `stride runs clean ...` without the other commands."""
    parser = argparse.ArgumentParser()
    runs.add(parser.add_subparsers(required=True))

    def call(*words: str) -> int:
        args = parser.parse_args(["runs", "clean", *words])
        return int(args.run(args))

    return call


@pytest.fixture
def folder(paths: Paths) -> Path:
    return make_run(paths, "pumps", ended())


@pytest.mark.usefixtures("folder")
def test_it_lists_what_there_is(
    clean: Clean, paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clean() == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("pumps")
    assert "completed" in shown.out
    assert "MB in all" in shown.err
    clean("--json")
    [one] = json.loads(capsys.readouterr().out)["leftovers"]
    assert one["id"] == "pumps"
    assert one["use"]["checkpoints"] == 3500
    assert not paths.database.exists()


def test_it_removes_what_is_named(
    clean: Clean, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clean("pumps", "--yes", "--json")
    assert json.loads(capsys.readouterr().out) == {"removed": ["pumps"], "bytes": 3570}
    assert not has_checkpoint(folder)
    assert (folder / "events.jsonl").exists()
    clean("pumps", "--everything", "--yes")
    assert not folder.exists()


def test_it_asks_and_knows_its_own_runs_only(clean: Clean, folder: Path) -> None:
    with pytest.raises(KnownError, match="nobody can answer"):
        clean("pumps")
    with pytest.raises(KnownError, match="no ID of what is there"):
        clean("pumps", "../adapters", "--yes")
    queue.put_in_line(folder)
    with pytest.raises(KnownError, match="in line"):
        clean("pumps", "--yes")
    assert has_checkpoint(folder)
