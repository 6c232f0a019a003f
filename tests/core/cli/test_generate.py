"""`stride generate` and `stride demo` on a toy model folder, and what they print."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli.main import main
from core.cli.output import BLOCK_COLOURS, RESET, BlockPrinter, ProgressBar, time_left
from core.cli.session import cancel_on_ctrl_c
from core.control import Cancel
from core.events import PassDone
from core.jsonl import from_dict
from core.settings import load_settings
from tests.core.toy import save_toy

REPOSITORY = Path(__file__).resolve().parents[3]
BLOCKED = """
import sys
class Absent:
    names = {"sqlalchemy", "alembic", "platformdirs", "PySide6", "tomli_w"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from core.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def toy_folder(tmp_path):
    return save_toy(tmp_path / "toy")


def generate(toy_folder, *options, prompt="hello"):
    return main(["generate", prompt, "--model", str(toy_folder), "--max-new-tokens", "6", *options])


def test_plain_text_goes_to_stdout_and_figures_to_stderr(toy_folder, capsys):
    assert generate(toy_folder) == 0
    out, err = capsys.readouterr()
    assert "\x1b" not in out
    assert "6 tokens in 6 passes, 1.00 tokens per pass" in err
    assert "MTP is off: No adapter" in err


def test_json_is_the_event_stream(toy_folder, capsys):
    assert generate(toy_folder, "--json", "--strategy", "next_token", "--system", "Be brief.") == 0
    events = [from_dict(json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    assert [type(event).__name__ for event in events] == [
        "GenerationStarted",
        *["PassDone"] * 6,
        "GenerationEnded",
    ]
    assert "Be brief." in events[0].prompt_text
    assert events[-1].tokens == 6


def test_a_dash_reads_the_prompt_from_stdin(toy_folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("from a pipe"))
    assert generate(toy_folder, "--json", prompt="-") == 0
    assert "from a pipe" in capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--threshold", "1.5"], "between 0 and 1"),
        (["--k-max", "40"], "between 1 and 16"),
        (["--device", "cuda:99"], "not there"),
        (["--adapter", "/nowhere"], "no Stride adapter"),
    ],
)
def test_bad_options_get_a_sentence(toy_folder, capsys, options, words):
    assert generate(toy_folder, *options) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err.splitlines()[-1]


@pytest.mark.parametrize(("prompt", "words"), [("", "empty"), ("x" * 900, "reads at most 256")])
def test_bad_prompts_get_a_sentence(toy_folder, capsys, prompt, words):
    assert generate(toy_folder, prompt=prompt) == 1
    assert words in capsys.readouterr().err


def test_explicit_choices_are_remembered(toy_folder, paths, capsys):
    assert generate(toy_folder, "--adapter", "none") == 0
    settings = load_settings(paths.settings_file)
    assert settings.last_model == str(toy_folder)
    assert settings.last_adapter == {"toy": "none"}
    assert main(["generate", "again", "--max-new-tokens", "2"]) == 0


def test_it_runs_without_database_and_window(toy_folder, stride_home):
    command = [sys.executable, "-c", BLOCKED, "generate", "hi", "--model", str(toy_folder)]
    done = subprocess.run(
        [*command, "--max-new-tokens", "3", "--json"],
        cwd=REPOSITORY,
        env=os.environ | {"STRIDE_HOME": str(stride_home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["tokens"] == 3
    assert not list(stride_home.rglob("*.db"))


def test_ctrl_c_ends_within_one_pass_with_what_there_is(toy_folder, capsys, monkeypatch):
    shown = []

    def interrupt_at_the_third(self, done):
        shown.append(done)
        if len(shown) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(BlockPrinter, "show", interrupt_at_the_third)
    assert generate(toy_folder) == 130
    assert len(shown) == 3
    assert "3 tokens in 3 passes" in capsys.readouterr().err


def test_a_second_ctrl_c_interrupts_at_once():
    cancel = Cancel()
    with cancel_on_ctrl_c(cancel):
        signal.raise_signal(signal.SIGINT)
        assert cancel.is_set
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_demo_prints_a_table(toy_folder, paths, capsys):
    assert main(["demo", "--model", str(toy_folder), "--json"]) == 0
    assert load_settings(paths.settings_file).last_model == ""  # a look is no choice
    result = json.loads(capsys.readouterr().out)
    assert [row["strategy"] for row in result["results"]] == ["next_token", "confadapt"]
    assert result["agreement"] == 1.0
    assert main(["demo", "--model", str(toy_folder)]) == 0
    assert "tokens per pass" in capsys.readouterr().out


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def one_pass(index, text, tokens):
    empty = ((),) * tokens
    return PassDone(
        index, (1,) * tokens, text, (1,) * tokens, (0.9,) * tokens, empty, 0, 0.9, 1, 0.1
    )


def test_a_terminal_shows_blocks_with_their_size(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    printer = BlockPrinter(screen)
    printer.show(one_pass(0, "one\ntwo", 3))
    printer.show(one_pass(1, " more", 12))
    printer.end()
    first, second, rest = screen.getvalue().split("\n")
    assert first.endswith("one\x1b[0m")
    assert "two³" in second
    assert " more¹²" in second
    assert rest == ""


def test_confirmed_tokens_have_the_colour_of_the_pass_that_proposed_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    printer = BlockPrinter(screen)
    first = replace(one_pass(0, "a", 1), provisional=2, pieces=("a",))
    second = replace(one_pass(1, "bcd", 3), confirmed=2, pieces=("b", "c", "d"))
    printer.show(first)
    printer.show(second)
    printer.end()
    colours = BLOCK_COLOURS
    assert screen.getvalue() == (
        f"{colours[0]}a{RESET}{colours[0]}bc³{RESET}{colours[1]}d¹{RESET}\n"
    )


def test_a_block_whose_proposals_all_fell_still_gets_its_size(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    printer = BlockPrinter(screen)
    printer.show(replace(one_pass(0, "a", 1), provisional=2))
    printer.show(replace(one_pass(1, "b", 1), refused=2, provisional=1))
    printer.end()
    assert re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()) == "a¹b¹\n"


def test_no_color_is_honoured(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    BlockPrinter(screen).show(one_pass(0, "one", 3))
    assert screen.getvalue() == "one"


def test_a_progress_bar_draws_on_terminals_only():
    screen, pipe = Terminal(), io.StringIO()
    for stream in (screen, pipe):
        bar = ProgressBar(stream, unit="B")
        bar("Fetching", 1_000_000, 4_000_000)
        bar("Fetching", 4_000_000, 4_000_000)
        bar.close()
    assert "100% 4.0 MB of 4.0 MB" in screen.getvalue()
    assert pipe.getvalue() == "Fetching\n"


@pytest.mark.parametrize(("seconds", "words"), [(8.2, "8 s"), (200, "3 min"), (4800, "1 h 20 min")])
def test_time_left_is_for_people(seconds, words):
    assert time_left(seconds) == words
