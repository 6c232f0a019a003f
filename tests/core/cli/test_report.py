"""`stride report`: a race file or a run of the history as a page."""

from __future__ import annotations

import json

import pytest

from core.cli.main import main
from core.evaluate.recording import shipped_race
from core.history.store import HistoryStore
from tests.core.toy import save_toy


def test_a_race_becomes_a_card(tmp_path, capsys) -> None:
    out = tmp_path / "card.html"
    assert main(["report", str(shipped_race()), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"out": str(out)}
    assert "times as fast" in out.read_text(encoding="utf-8")


def test_a_race_of_the_command_line_and_its_run_become_pages(tmp_path, capsys, paths) -> None:
    options = ["--model", str(save_toy(tmp_path / "toy")), "--max-new-tokens", "5", "--runs", "1"]
    assert main(["race", "hello", *options, "--json"]) == 0
    race = tmp_path / "race.json"
    race.write_text(capsys.readouterr().out, encoding="utf-8")
    with HistoryStore(paths.database) as store:
        [run] = store.list_runs()
    for source in (str(race), run.id):
        out = tmp_path / "page.html"
        assert main(["report", source, "--out", str(out)]) == 0
        assert "hello" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("source", ["gone.json", "no-such-run"])
def test_what_is_not_there_is_told(source, tmp_path, capsys) -> None:
    assert main(["report", source, "--out", str(tmp_path / "x.html")]) == 1
    assert "stride:" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()
