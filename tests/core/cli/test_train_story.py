"""From a folder of mixed files to answers with what was learned, by the command line alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli.main import main
from core.paths import Paths, resources
from core.train.process import end_run
from tests.core.documents.samples import write_mixed
from tests.core.toy import save_toy

SMALL = ("--k-max", "3", "--rank", "2", "--sequences", "2", "--eval-rows", "4", "--device", "cpu")


@pytest.fixture
def documents(tmp_path) -> Path:
    folder = write_mixed(tmp_path / "Wartung 2026", chats=20)
    rows = [f"Valve {n}?,closed closed closed" for n in range(10)]
    (folder / "valves.csv").write_text("\n".join(["question,answer", *rows]))
    return folder


@pytest.fixture(autouse=True)
def nothing_left_at_work(paths: Paths) -> Iterator[None]:
    yield
    for folder in paths.runs.iterdir() if paths.runs.is_dir() else ():
        end_run(folder)


def stride(*words: str) -> subprocess.Popen[str]:
    """A command in a process of its own, as a user starts it; figures and sentences are piped."""
    return subprocess.Popen(
        [sys.executable, "-m", "core.cli.main", *words],
        cwd=resources().parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def stopped_in_the_middle(*words: str) -> str:
    """What a training says that gets Ctrl+C once it takes steps."""
    said = ""
    with stride(*words) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if line == "Training\n":
                break
        process.send_signal(signal.SIGINT)
        said += process.stderr.read()
    assert process.returncode == 130, said
    return said


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl+C for one process alone")
def test_documents_become_an_adapter_over_a_stop(tmp_path, documents, paths, capsys) -> None:
    model, out = str(save_toy(tmp_path / "toy")), str(tmp_path / "wartung")
    assert main(["data", "check", str(documents), "--model", model]) == 0
    assert "broken.pdf: skipped" in capsys.readouterr().out

    settings = tmp_path / "spec.json"
    settings.write_text('{"mask_rows": 8, "context": 64, "dtype": "float32"}')
    words = ("train", "--model", model, "--data", str(documents), "--out", out)
    said = stopped_in_the_middle(*words, *SMALL, "--steps", "400", "--spec", str(settings))
    assert "4 files (3 read, 1 skipped, 0 empty)" in said
    assert f" steps. Adapter: {out}" in said
    assert "Stopped after " in said

    [run_dir] = paths.runs.iterdir()
    with stride("train", "--resume", run_dir.name) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert "Going on after step " in said
    assert "Completed after 400 steps." in said
    for way in ("One token a pass: ", "Threshold 0.9: "):
        assert any(line.startswith(way) for line in said.splitlines())

    wish = ["--model", model, "--adapter", out, "--max-new-tokens", "12", "--json"]
    assert main(["generate", "Pump 3?", *wish]) == 0
    started, *passes, ended = map(json.loads, capsys.readouterr().out.splitlines())
    assert (started["strategy"], started["k_max"]) == ("confadapt", 3)
    assert not started["mtp_off_reason"]
    assert passes
    assert ended["tokens"] > 0
