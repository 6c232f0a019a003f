"""`stride report`: a race file or a run of the history as a page."""

from __future__ import annotations

import json

import pytest

from core.cli.main import main
from core.evaluate.race.recording import shipped_race
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


def test_a_picture_is_the_windows_and_it_says_so(tmp_path, capsys) -> None:
    record, out = tmp_path / "bench.jsonl", tmp_path / "card.png"
    record.write_text('{"format":"stride-bench","version":1,"plan":{}}\n', encoding="utf-8")
    for source, page in ((shipped_race(), "Race"), (record, "Benchmark")):
        assert main(["report", str(source), "--out", str(out)]) == 1
        assert (
            f'saved from the window. Open the file on the page "{page}"' in capsys.readouterr().err
        )
    assert not out.exists()


@pytest.mark.parametrize("source", ["gone.json", "no-such-run"])
def test_what_is_not_there_is_told(source, tmp_path, capsys) -> None:
    assert main(["report", source, "--out", str(tmp_path / "x.html")]) == 1
    assert "stride:" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


def test_a_benchmark_becomes_a_card(tmp_path, capsys) -> None:
    model, record = str(save_toy(tmp_path / "toy")), tmp_path / "bench.jsonl"
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "one"}\n{"prompt": "two"}\n', encoding="utf-8")
    options = ["--prompts", str(prompts), "--max-new-tokens", "4", "--runs", "1", "--no-generate"]
    assert main(["bench", "--model", model, *options, "--record", str(record)]) == 0
    out = tmp_path / "card.html"
    assert main(["report", str(record), "--out", str(out)]) == 0
    page = out.read_text(encoding="utf-8")
    table = tmp_path / "table.md"
    assert main(["report", str(record), "--out", str(table)]) == 0
    assert "| next_token " in table.read_text(encoding="utf-8")
    assert "threshold: 2 prompts" in page
    assert "Speed against agreement" in page
    capsys.readouterr()
    # The same command again has nothing left to measure and says the same.
    assert main(["bench", "--model", model, *options, "--record", str(record), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["complete"]


def test_a_trace_becomes_a_page(tmp_path, capsys) -> None:
    model, trace = str(save_toy(tmp_path / "toy")), tmp_path / "trace.jsonl"
    assert main(["generate", "hello", "--model", model, "--max-new-tokens", "5", "--json"]) == 0
    trace.write_text(capsys.readouterr().out, encoding="utf-8")
    out = tmp_path / "page.html"
    assert main(["report", str(trace), "--out", str(out)]) == 0
    page = out.read_text(encoding="utf-8")
    assert page.count('<span class="block') == 5
    assert "<td>5</td><td>5</td><td>1.00</td>" in page
    assert main(["report", str(trace), "--out", str(tmp_path / "page.csv")]) == 1
    assert main(["report", str(trace), "--out", str(tmp_path / "page.png")]) == 1
