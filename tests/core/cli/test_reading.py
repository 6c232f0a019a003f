"""`stride data check`, in process."""

from __future__ import annotations

import json
from io import StringIO

import pytest

from core.cli import reading
from core.cli.main import main
from core.cli.output import ProgressBar, visible
from core.documents.records import FileStarted, Finding, Record, Row
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
    assert "a.txt, line 1:\nSo\u2039me words\u203a" in said
    assert "a.txt: read, 1 row, 2 words, 10 tokens" in said
    assert "up to 16  " in said
    assert "1 passage: 10 tokens in all." in said


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


def test_rows_too_long_for_the_context_are_told_with_their_places(tmp_path, capsys) -> None:
    save_toy(tmp_path / "toy")
    rows = [{"prompt": "x" * size, "response": "y" * 400} for size in (4, 4, 400)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["data", "check", str(tmp_path / "a.jsonl"), "--model", str(tmp_path / "toy")]
    assert main([*words, "--context", "200"]) == 0
    said = capsys.readouterr().out
    assert "  lines 1, 2: its answer is cut at the end of the context of 200 tokens" in said
    assert "  line 3: it is left out of the training: its prompt alone fills the context" in said
    assert "(left out of the training: nothing to learn within the context)" in said
    assert "x" * 400 in said  # what is left out is shown, too
    assert "Beyond the context of 200 tokens: 2 chats cut, 1 chat left out." in said
    assert main([*words, "--context", "200", "--json"]) == 0
    *_, seen = map(json.loads, capsys.readouterr().out.splitlines())
    assert (seen["counted"], seen["cut"], seen["left_out"]) == (3, 2, 1)


def test_a_context_below_one_token_is_refused(tmp_path, capsys) -> None:
    (tmp_path / "a.txt").write_text("Some words")
    assert main(["data", "check", str(tmp_path / "a.txt"), "--context", "-1"]) == 1
    assert "The context must be at least 1 token." in capsys.readouterr().err


def test_control_characters_of_documents_are_shown_and_not_obeyed(tmp_path, capsys) -> None:
    save_toy(tmp_path / "toy")
    (tmp_path / "a.txt").write_text("Some \x1b[2J\x1b]0;title\x07 words")
    words = ["data", "check", str(tmp_path / "a.txt"), "--model", str(tmp_path / "toy")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "\u241b[2J\u241b]0;title\u2407 words" in said
    assert "\x1b" not in said
    assert visible("a\tb\n\r\x7f\x9b") == "a\tb\n\u240d\u2421\\x9b"


def test_a_file_s_reasons_and_names_are_shown_and_not_obeyed(monkeypatch, capsys) -> None:
    found = [FileStarted("a\x9b"), Finding("a\x9b", "sheet \x1bS, row 1", "skipped", "\x1bwhy")]
    monkeypatch.setattr(reading, "read_documents", lambda *_: (one for one in found))
    assert main(["data", "check", "a"]) == 1
    assert "a\\x9b: skipped\n  sheet \u241bS, row 1: \u241bwhy" in capsys.readouterr().out
    main(["data", "check", "a", "--json"])
    said = capsys.readouterr().out
    assert "\x9b" not in said
    assert json.loads(said.splitlines()[0])["file"] == "a\x9b"


def test_ctrl_c_ends_the_reading_with_a_report_on_what_was_read(monkeypatch, capsys) -> None:
    def interrupted(*_: object):
        yield FileStarted("big.csv")
        yield Record("big.csv", "line 2", Row(text="One row"))
        raise KeyboardInterrupt

    monkeypatch.setattr(reading, "read_documents", interrupted)
    assert main(["data", "check", "big.csv"]) == 130
    said = capsys.readouterr()
    assert "big.csv: read, 1 row, 2 words" in said.out
    assert "It was interrupted" in said.err


def test_a_terminal_shows_how_far_the_reading_is() -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    rows = [Record("big.csv", f"line {n}", Row(text="x")) for n in (2, 3)]
    watched = reading._watched([FileStarted("big.csv"), *rows], ProgressBar(stream))
    assert len(list(watched)) == 3
    assert "Reading rows 1 (big.csv)" in stream.getvalue()
