"""`stride data check`, in process."""

from __future__ import annotations

import json

import pytest

from core.cli.main import main
from tests.core.toy import save_toy


def test_check_tells_of_every_file(tmp_path, capsys) -> None:
    (tmp_path / "a.csv").write_text("Frage,Antwort\nQ,A\n")
    (tmp_path / "b.txt").write_text("Write to jo@example.org")
    assert main(["data", "check", str(tmp_path / "a.csv"), str(tmp_path / "b.txt")]) == 0
    said = capsys.readouterr()
    assert "a.csv: skipped" in said.out
    assert "columns: Frage, Antwort (choose with --columns)" in said.out
    assert "b.txt: read, 1 rows, 5 words" in said.out
    assert "line 1: it seems to hold an e-mail address" in said.out
    assert "1 rows of 2 files" in said.err


def test_check_as_json_with_choices(tmp_path, capsys) -> None:
    (tmp_path / "a.csv").write_text("Frage,Antwort\nQ,A\nme@example.org,A\n")
    words = ["--columns", "prompt=Frage,response=Antwort", "--leave-out-secrets", "--json"]
    assert main(["data", "check", str(tmp_path / "a.csv"), *words]) == 0
    [line] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["state"], line["rows"], line["counts"]) == ("read", 1, {"secret": 1})


@pytest.mark.parametrize(
    ("words", "said"),
    [(["no-such-file"], "Nothing could be read"), ([".", "--columns", "a=b"], "cannot be a a")],
)
def test_nothing_read_and_bad_wishes_are_failures(words, said, capsys) -> None:
    assert main(["data", "check", *words]) == 1
    assert said in capsys.readouterr().err


def test_the_rows_are_shown_as_the_model_reads_them(tmp_path, capsys) -> None:
    save_toy(tmp_path / "toy")
    (tmp_path / "a.txt").write_text("Some words")
    assert main(["data", "check", str(tmp_path / "a.txt"), "--model", str(tmp_path / "toy")]) == 0
    said = capsys.readouterr().out
    assert "Row 1 as the model reads it, 10 tokens;" in said
    assert "So\u2039me words\u203a" in said
    assert "up to 16  " in said
