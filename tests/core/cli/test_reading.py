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
    assert "b.txt: read, 1 row, 5 words" in said.out
    assert "line 1: it seems to hold an e-mail address" in said.out
    assert "1 row of 2 files" in said.err


def test_check_as_json_with_choices(tmp_path, capsys) -> None:
    (tmp_path / "a.csv").write_text("Frage,Antwort\nQ,A\nme@example.org,A\n")
    words = ["--columns", "prompt=Frage,response=Antwort", "--leave-out-secrets", "--json"]
    assert main(["data", "check", str(tmp_path / "a.csv"), *words]) == 0
    [line] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["state"], line["rows"], line["counts"]) == ("read", 1, {"secret": 1})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-file"], "Nothing could be read"),
        ([".", "--columns", "a=b"], "nothing that a column can hold"),
    ],
)
def test_nothing_read_and_bad_wishes_are_failures(words, said, capsys) -> None:
    assert main(["data", "check", *words]) == 1
    assert said in capsys.readouterr().err


def test_the_rows_are_shown_as_the_model_reads_them(tmp_path, capsys) -> None:
    save_toy(tmp_path / "toy")
    (tmp_path / "a.txt").write_text("Some words")
    assert main(["data", "check", str(tmp_path / "a.txt"), "--model", str(tmp_path / "toy")]) == 0
    said = capsys.readouterr().out
    assert "Row 1 as the model reads it (too short for a question; learned from only if" in said
    assert "So\u2039me words\u203a" in said
    assert "Tokens of each chat and passage (1 counted, 0 cut)" in said
    assert "up to 16  " in said


def test_passages_are_shown_as_they_will_be_used(tmp_path, capsys) -> None:
    save_toy(tmp_path / "toy")
    sentence = "The pump of line three was greased on Monday by the day shift."
    (tmp_path / "a.txt").write_text(" ".join([sentence] * 10))
    words = ["data", "check", str(tmp_path / "a.txt"), "--model", str(tmp_path / "toy")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "(the model first writes a question about this passage, and the answer)" in said
    assert "Write a question that this text answers." in said
    assert "\u203a" not in said.replace("\u2039these\u203a", "")
    assert main([*words, "--passages", "text", "--context", "900", "--json"]) == 0
    seen = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (seen["rows"], len(seen["rendered"]), sum(seen["tokens"].values())) == (1, 2, 2)
    assert all(row["learned"].endswith("shift.") for row in seen["rendered"])


def test_columns_that_no_table_has_are_told(tmp_path, capsys) -> None:
    (tmp_path / "a.csv").write_text("text\nT\n")
    path = str(tmp_path / "a.csv")
    assert main(["data", "check", path, "--columns", "text=Notiz"]) == 0
    assert "No table has the columns text=Notiz." in capsys.readouterr().err
    assert main(["data", "check", path, "--columns", "text=text"]) == 0
    assert "No table" not in capsys.readouterr().err
