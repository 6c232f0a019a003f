"""`stride runs` from end to end, in process."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from core.cli import runs
from core.errors import KnownError
from core.history.store import HistoryStore
from core.paths import Paths
from tests.core.history.runs import a_run
from tests.core.streams import TEXTS, answer

Stride = Callable[..., int]


@pytest.fixture
def stride() -> Stride:
    """Runs `stride runs ...` without the other commands."""
    parser = argparse.ArgumentParser()
    runs.add(parser.add_subparsers(required=True))

    def call(*words: str) -> int:
        args = parser.parse_args(["runs", *words])
        return int(args.run(args))

    return call


@pytest.fixture
def filled(paths: Paths) -> Path:
    with HistoryStore(paths.database) as store:
        store.save_run(a_run("one", answer="".join(TEXTS)), list(answer()))
        store.save_run(a_run("two", kind="bench", title="Bench of toy", created_at=2e9, prompt=""))
    return paths.database


def ids(text: str) -> list[str]:
    return [run["id"] for run in json.loads(text)["runs"]]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), ["two", "one"]),
        (("--kind", "answer"), ["one"]),
        (("--search", "bench"), ["two"]),
        (("--limit", "1"), ["two"]),
        (("--search", "sheep"), []),
    ],
)
def test_list_as_json(
    stride: Stride, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], found: list[str]
) -> None:
    assert stride("list", "--json", *words) == 0
    assert ids(capsys.readouterr().out) == found


@pytest.mark.usefixtures("filled")
def test_list_for_people(stride: Stride, capsys: pytest.CaptureFixture[str]) -> None:
    stride("list", "--limit", "1")
    shown = capsys.readouterr()
    assert shown.out.startswith("two  2033-05-")
    assert "Bench of toy" in shown.out
    assert "1 of 2 runs" in shown.err


def test_an_empty_history_says_so(stride: Stride, capsys: pytest.CaptureFixture[str]) -> None:
    stride("list")
    assert "No run was found." in capsys.readouterr().err
    stride("list", "--json")
    assert json.loads(capsys.readouterr().out) == {"runs": []}


@pytest.mark.usefixtures("filled")
def test_show(stride: Stride, capsys: pytest.CaptureFixture[str]) -> None:
    stride("show", "one")
    shown = capsys.readouterr().out
    assert shown.startswith("Count to 9.\nIn words.\n\none two three\nfour <five> & six\n")
    assert "tokens per pass: 2.333" in shown
    stride("show", "one", "--json")
    data = json.loads(capsys.readouterr().out)
    assert len(data.pop("trace")) == 5
    assert data == json.loads(json.dumps(asdict(a_run("one", answer="".join(TEXTS)))))


@pytest.mark.usefixtures("filled")
def test_export(stride: Stride, tmp_path: Path) -> None:
    out = tmp_path / "runs.json"
    assert stride("export", "two", "one", "--format", "json", "--out", str(out)) == 0
    assert ids(out.read_text(encoding="utf-8")) == ["two", "one"]


@pytest.mark.usefixtures("filled")
def test_delete(stride: Stride, capsys: pytest.CaptureFixture[str]) -> None:
    stride("delete", "one", "--yes")
    stride("list", "--json")
    assert ids(capsys.readouterr().out) == ["two"]


@pytest.mark.usefixtures("filled")
def test_export_and_delete_say_as_json_what_they_did(
    stride: Stride, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs.csv"
    stride("export", "one", "--format", "csv", "--out", str(out), "--json")
    assert json.loads(capsys.readouterr().out) == {"file": str(out), "runs": ["one"]}
    stride("delete", "one", "--yes", "--json")
    assert json.loads(capsys.readouterr().out) == {"deleted": 1}


@pytest.mark.usefixtures("filled")
def test_delete_asks(
    stride: Stride, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KnownError, match="nobody can answer"):
        stride("delete", "one")
    monkeypatch.setattr(sys, "stdin", _Terminal("n\n"))
    stride("delete", "one")
    assert "Nothing was deleted." in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", _Terminal("y\n"))
    stride("delete", "one")
    stride("list", "--json")
    assert ids(capsys.readouterr().out) == ["two"]


class _Terminal:
    """A keyboard on which one line was typed."""

    def __init__(self, line: str) -> None:
        self._line = line

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._line


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("words", [("show",), ("delete", "one", "--yes")])
def test_an_unknown_id_is_a_sentence_and_deletes_nothing(
    stride: Stride, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(KnownError, match="no run nowhere"):
        stride(words[0], *(("nowhere",) if len(words) == 1 else (words[1], "nowhere", words[2])))
    stride("list", "--json")
    assert ids(capsys.readouterr().out) == ["two", "one"]


def test_a_damaged_history_is_kept_and_said(
    stride: Stride, filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.write_bytes(b"This is no database. " * 500)
    assert stride("list", "--json") == 0
    shown = capsys.readouterr()
    assert ids(shown.out) == []
    assert "was damaged" in shown.err
    assert len(list(filled.parent.glob("stride.damaged-*.db"))) == 1


@pytest.mark.parametrize("limit", ["0", "-3", "many"])
def test_a_limit_below_one_is_wrong_usage(stride: Stride, limit: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        stride("list", "--limit", limit)


def test_without_the_database_library_there_is_a_sentence(
    stride: Stride, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "core.history.store", None)
    with pytest.raises(KnownError, match="not installed"):
        stride("list")
