"""`stride bench` on a toy model folder: its JSON, its table, its files, its sentences."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import types

import pytest

from core.cli.main import main
from core.errors import KnownError
from core.evaluate.bench.bench import Bench
from core.evaluate.prompts import BenchPrompt
from core.history.store import HistoryStore
from core.model.adapter_info import AdapterInfo
from core.model.fingerprint import cached_weights_hash
from core.model.heads import save_heads
from tests.core.cli.test_generate import BLOCKED, REPOSITORY
from tests.core.engine.test_head_chain import toy_heads
from tests.core.toy import save_toy, toy_tokenizer

ROWS = [
    {"prompt": "one", "family": "letters", "check": {"kind": "equals", "answers": ["1"]}},
    {"prompt": "two"},
]


@pytest.fixture
def toy_folder(tmp_path):
    return save_toy(tmp_path / "toy")


@pytest.fixture
def prompts(tmp_path):
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return file


@pytest.fixture
def options(toy_folder, prompts):
    named = ["--model", str(toy_folder), "--prompts", str(prompts)]
    return ["bench", *named, "--max-new-tokens", "4", "--runs", "1"]


def test_the_json(options, capsys, tmp_path, paths):
    kept = tmp_path / "kept.json"
    several = ["--strategies", "next_token,confadapt", "--thresholds", "0.99,0.9"]
    assert main([*options, *several, "--json", "--out", str(kept)]) == 0
    result = json.loads(capsys.readouterr().out)
    whole = [row for row in result["results"] if row["family"] is None]
    assert [(row["strategy"], row["threshold"]) for row in whole] == [
        ("next_token", 1.0),
        ("confadapt", 0.99),
        ("confadapt", 0.9),
    ]
    assert set(result["baselines"]) == {"next_token", "transformers_generate"}
    assert result["machine"]["device"] == "cpu"
    assert "No adapter" in result["mtp_off_reason"]
    assert json.loads(kept.read_text(encoding="utf-8")) == result
    with HistoryStore(paths.database) as store:
        (record,) = store.list_runs()
    assert (record.kind, record.state) == ("bench", "completed")
    assert record.summary["agreement"] == 1.0


def test_generate_can_be_left_out(options, capsys):
    assert main([*options, "--no-generate", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["baselines"]) == {"next_token"}
    assert all(row["speedup_vs_transformers_generate"] is None for row in result["results"])
    assert main([*options, "--no-generate"]) == 0
    assert "generate" not in capsys.readouterr().out


def test_the_table(options, capsys):
    assert main(options) == 0
    out, err = capsys.readouterr()
    assert "generate" in out
    assert "confadapt 0.9 " in out
    assert "  letters " in out
    assert "MTP is off" in err


def test_peers_as_json_and_as_markdown(options, capsys, tmp_path):
    out = tmp_path / "methods.md"
    assert main([*options, "--peers", "--dtype", "float32", "--json", "--out", str(out)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [row["strategy"] for row in result["results"] if row["family"] is None] == [
        "transformers_prompt_lookup",
        "transformers_assisted",
        "prompt_lookup",
    ]
    assert {row["same_as_next_token"] for row in result["results"]} == {1.0}
    assert result["peak_memory"] > 0
    page = out.read_text(encoding="utf-8")
    assert "Draft model: the first two layers of the model, untrained." in page
    assert "The process held at most" in page
    (head,) = (line for line in page.splitlines() if "letters" in line)
    assert [cell.strip() for cell in head.split("|")] == ["", "", "letters", "all", ""]


def test_peers_print_a_row_a_way(options, capsys):
    assert main([*options, "--peers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("| generate, prompt lookup ") for line in lines) == 2
    assert sum(line.startswith("| next_token ") for line in lines) == 2


def test_a_draft_model_can_be_named(options, capsys, toy_folder):
    assert main([*options, "--peers", "--draft", str(toy_folder), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["draft"] == "toy"
    (row,) = (
        one
        for one in result["results"]
        if one["strategy"] == "transformers_assisted" and one["family"] is None
    )
    assert row["acceptance"] == 1.0  # it drafts for itself


def test_heads_can_be_added(options, capsys, tmp_path, toy_folder, paths):
    _, heads = toy_heads(2)
    base_hash = cached_weights_hash(toy_folder, paths.cache)
    info = AdapterInfo("heads", 3, "toy", base_hash, "", "", heads=2)
    save_heads(heads.weights(), tmp_path / "twins", info)
    added = ["--peers", "--heads", str(tmp_path / "twins"), "--dtype", "float32"]
    assert main([*options, *added, "--adapter", "none"]) == 0
    out = capsys.readouterr().out
    assert "Heads: twins." in out
    for way in ("generate, MTP heads", "heads 1", "heads 2"):
        assert sum(line.startswith(f"| {way} ") for line in out.splitlines()) == 2


def test_a_draft_model_with_other_tokens_is_refused(options, capsys, tmp_path, toy_folder):
    other = save_toy(tmp_path / "other")
    tokenizer = toy_tokenizer()
    tokenizer.add_tokens(["one more"])
    tokenizer.save_pretrained(other)
    assert main([*options, "--peers", "--draft", str(other)]) == 1
    assert "its tokens are others" in capsys.readouterr().err


def test_an_exact_way_that_differs_in_float32_is_a_failure(options, capsys, monkeypatch):
    before = Bench._answer

    def answer(self, way, *args):
        found = before(self, way, *args)
        if way.name != "prompt_lookup":
            return found
        return dataclasses.replace(found, token_ids=(*found.token_ids[:-1], 0))

    monkeypatch.setattr(Bench, "_answer", answer)
    wrong = [*options, "--strategies", "confadapt,prompt_lookup"]
    assert main([*wrong, "--dtype", "float32"]) == 1
    assert "Not the answers of one-token decoding: prompt_lookup." in capsys.readouterr().err
    assert main([*wrong, "--dtype", "bfloat16"]) == 0


def test_built_in_prompts_stand_in_for_a_file(toy_folder, capsys, monkeypatch):
    drawn = []

    def make_tasks(family, count, seed, split):
        drawn.append((family, count, seed, split))
        check = ROWS[0]["check"] if family == "count" else None
        return [BenchPrompt(f"{family} {at}", family, check) for at in range(count)]

    tasks = types.ModuleType("core.evaluate.tasks")
    tasks.CHECKABLE, tasks.OPEN, tasks.make_tasks = ("count",), ("letter",), make_tasks
    monkeypatch.setitem(sys.modules, tasks.__name__, tasks)
    small = ["--per-family", "2", "--seed", "7", "--max-new-tokens", "2", "--runs", "1"]
    assert main(["bench", "--model", str(toy_folder), *small, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert drawn == [("count", 2, 7, "held_out"), ("letter", 2, 7, "held_out")]
    assert [row["family"] for row in result["results"]] == [None, "count", "letter"]
    assert {row["group"]: row["answers"] for row in result["groups"]} == {"checkable": 2, "open": 2}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (["--thresholds", "1.5"], "between 0 and 1"),
        (["--thresholds", "high"], "are no numbers"),
        (["--strategies", "magic"], "no strategy 'magic'"),
        (["--runs", "0"], "--runs must be at least 1"),
        (["--k-max", "40"], "between 1 and 16"),
        (["--prompts", "/nowhere.jsonl"], "cannot be read"),
        (["--draft", "small"], "--draft belongs to --peers"),
        (["--heads", "twins"], "--heads belongs to --peers"),
        (["--peers", "--heads", "none"], "Which heads?"),
        (["--peers", "--draft", "nowhere"], "nowhere"),
    ],
)
def test_bad_options_get_a_sentence(options, capsys, bad, words):
    assert main([*options, *bad]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err.splitlines()[-1]


def interrupt_after(monkeypatch, answers):
    before, done = Bench._answer, []

    def answer(self, *args):
        done.append(before(self, *args))
        if len(done) == answers:
            signal.raise_signal(signal.SIGINT)
        return done[-1]

    monkeypatch.setattr(Bench, "_answer", answer)


def test_ctrl_c_prints_what_is_finished(options, capsys, monkeypatch, paths):
    interrupt_after(monkeypatch, 7)  # 3 of the warm-up, 3 of the first round, 1 of the second
    assert main([*options, "--json"]) == 130
    result = json.loads(capsys.readouterr().out)
    assert (result["prompts"], result["complete"]) == (1, False)
    with HistoryStore(paths.database) as store:
        assert store.list_runs()[0].state == "stopped"


def test_a_failure_on_the_way_keeps_what_is_finished(options, capsys, monkeypatch):
    before, done = Bench._answer, []

    def answer(self, *args):
        if len(done) == 7:
            raise KnownError("The device ran out of memory while decoding.")
        done.append(before(self, *args))
        return done[-1]

    monkeypatch.setattr(Bench, "_answer", answer)
    assert main([*options, "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["prompts"] == 1
    assert "ran out of memory" in err


def test_ctrl_c_before_anything_is_finished(options, capsys, monkeypatch):
    interrupt_after(monkeypatch, 1)
    assert main(options) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert "interrupted" in err


def test_it_runs_without_database_and_window(options, stride_home):
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *options, "--json"],
        cwd=REPOSITORY,
        env=os.environ | {"STRIDE_HOME": str(stride_home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["complete"]
