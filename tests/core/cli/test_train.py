"""`stride train` and `stride data` on the toy model, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli.main import build_parser, main
from core.cli.train import _spec
from core.evaluate.tasks import CHECKABLE, OPEN
from core.history.store import HistoryStore
from core.paths import user_paths
from core.settings import Settings, save_settings
from tests.core.toy import save_toy

SMALL = ["--k-max", "3", "--rank", "2", "--sequences", "2", "--device", "cpu"]


@pytest.fixture
def toy(tmp_path) -> str:
    return str(save_toy(tmp_path / "toy"))


@pytest.fixture
def rows(tmp_path) -> str:
    path = tmp_path / "rows.jsonl"
    line = json.dumps({"prompt": "Say it.", "response": "it it it it it it"})
    path.write_text(f"{line}\n" * 6)
    settings = tmp_path / "spec.json"
    settings.write_text('{"micro_sequences": 2, "mask_rows": 8, "context": 128}')
    return str(path)


def test_train_writes_an_adapter_and_a_history_row(toy, rows, tmp_path, capsys) -> None:
    out = tmp_path / "adapter"
    words = ["train", "--model", toy, "--data", rows, "--out", str(out), "--steps", "2"]
    assert main([*words, *SMALL, "--spec", str(tmp_path / "spec.json"), "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["step"] for event in events if event["event"] == "step_done"] == [1, 2]
    assert events[-1]["event"] == "run_ended"
    assert events[-1]["state"] == "completed"
    assert json.loads((out / "stride-adapter.json").read_text())["k_max"] == 3
    with HistoryStore(user_paths().database) as store:
        [run] = store.list_runs()
    assert (run.kind, run.state) == ("training", "completed")


def as_if_interrupted_before(run_dir: Path, steps: int) -> None:
    """Let a completed run have more steps ahead of it."""
    spec = json.loads((run_dir / "spec.json").read_text())
    (run_dir / "spec.json").write_text(json.dumps({**spec, "steps": steps}))
    events = (run_dir / "events.jsonl").read_text().splitlines(keepends=True)
    (run_dir / "events.jsonl").write_text("".join(events[:-1]))


def test_resume_goes_on_with_a_run(toy, rows, tmp_path, capsys) -> None:
    out = tmp_path / "adapter"
    words = ["train", "--model", toy, "--data", rows, "--out", str(out), "--steps", "1"]
    assert main([*words, *SMALL, "--spec", str(tmp_path / "spec.json"), "--json"]) == 0
    [run_dir] = user_paths().runs.iterdir()
    assert main(["train", "--resume", run_dir.name]) == 1
    assert "is completed" in capsys.readouterr().err
    as_if_interrupted_before(run_dir, steps=2)
    assert main(["train", "--resume", run_dir.name, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["step"] for event in events if event["event"] == "step_done"] == [2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "1"], "Where shall the adapter go"),
        (["--out", "x", "--steps", "1"], "nothing to train on"),
        (["--out", "x", "--data", "."], "minutes or the steps"),
        (["--out", "x", "--data", "no-such-file", "--steps", "1"], "no file or folder 'no-such"),
        (["--out", "x", "--data", "", "--steps", "1"], "There is no file or folder ''"),
        (
            ["--out", "x", "--data", ".", "--steps", "1", "--columns", "a=b"],
            "nothing that a column can hold",
        ),
        (["--out", "x", "--from", "no-such", "--steps", "1"], "holds no Stride adapter"),
        (["--resume", "no-such-run"], "files of a training run"),
        (["--resume", "a-run", "--steps", "9"], "keeps the settings of its start"),
    ],
)
def test_bad_wishes_get_a_sentence(toy, words, said, capsys) -> None:
    model = [] if words[0] == "--resume" else ["--model", toy]
    assert main(["train", *model, *words]) == 1
    assert said in capsys.readouterr().err


def test_a_failed_training_says_why(toy, tmp_path, capsys) -> None:
    (tmp_path / "no.jsonl").write_text("no JSON\n")
    words = ["train", "--model", toy, "--data", str(tmp_path / "no.jsonl")]
    assert main([*words, "--out", str(tmp_path / "a"), "--steps", "1", "--device", "cpu"]) == 1
    said = capsys.readouterr().err
    assert said.count("it is no JSON") == 1
    assert "--resume" not in said  # there is nothing to go on from


def test_a_device_that_is_not_there_leaves_no_run(toy, rows, tmp_path, capsys) -> None:
    words = ["train", "--model", toy, "--data", rows, "--out", str(tmp_path / "a"), "--steps", "1"]
    assert main([*words, "--device", "cuda:77"]) == 1
    assert "cuda:77" in capsys.readouterr().err
    assert not user_paths().runs.exists()


def test_trainings_beside_this_one_are_named(toy, rows, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("core.cli.train.at_work", lambda _paths: [Path("runs/pumps")])
    words = ["train", "--model", toy, "--data", rows, "--out", str(tmp_path / "a"), "--steps", "1"]
    assert main([*words, *SMALL, "--spec", str(tmp_path / "spec.json")]) == 0
    assert "At work already: pumps." in capsys.readouterr().err


def test_a_wish_for_another_rank_than_the_starts_is_refused(toy, rows, tmp_path, capsys) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    words = ["train", "--model", toy, "--data", rows, "--spec", str(tmp_path / "spec.json")]
    assert main([*words, *SMALL, "--out", first, "--steps", "1"]) == 0
    more = [*words, "--out", second, "--from", first, "--device", "cpu", "--steps", "1"]
    assert main([*more, "--rank", "3"]) == 1
    assert "rank 2; the spec asks for 3" in capsys.readouterr().err
    args = build_parser().parse_args(more)
    assert (_spec(args, user_paths()).rank, _spec(args, user_paths()).k_max) == (2, 3)


def test_any_number_of_sequences_finds_its_micro_batches(toy) -> None:
    words = ["train", "--model", toy, "--data", ".", "--out", "y", "--steps", "1"]
    sizes = []
    for count in ("4", "12", "7"):
        spec = _spec(build_parser().parse_args([*words, "--sequences", count]), user_paths())
        spec.check()
        sizes.append(spec.micro_sequences)
    assert sizes == [4, 4, 1]


@pytest.mark.parametrize(("ranks", "sequences"), [("1", 4), ("2", 4), ("3", 6), ("8", 8)])
def test_every_rank_gets_a_row_of_a_step(toy, ranks, sequences) -> None:
    words = ["train", "--model", toy, "--data", ".", "--out", "y", "--steps", "1"]
    spec = _spec(build_parser().parse_args([*words, "--processes", ranks]), user_paths())
    spec.check()
    assert spec.sequences == sequences


def test_data_says_as_json_what_it_wrote(tmp_path, capsys) -> None:
    out = str(tmp_path / "prompts.jsonl")
    assert main(["data", "prompts", "--per-family", "1", "--out", out, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"file": out, "rows": len(CHECKABLE) + len(OPEN)}


def test_data_synthesize_writes_the_families_asked_for(toy, tmp_path) -> None:
    out = tmp_path / "rows.jsonl"
    words = ["data", "synthesize", "--model", toy, "--out", str(out), "--invented", "0"]
    assert main([*words, "--families", "counting,chat", "--per-family", "2"]) == 0
    found = [json.loads(line)["family"] for line in out.read_text().splitlines()]
    assert set(found) <= {"counting", "chat"}
    assert found
    assert main([*words, "--families", "counting,poems"]) == 1
    assert main(["data", "prompts", "--families", "poems", "--out", str(out)]) == 1


def test_data_prompts_are_rows_for_bench(tmp_path) -> None:
    out = tmp_path / "prompts.jsonl"
    assert main(["data", "prompts", "--per-family", "2", "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 2 * len({*CHECKABLE, *OPEN})
    assert all((row["check"] is None) == (row["family"] in OPEN) for row in rows)


def test_a_zero_on_the_command_line_goes_before_the_spec_file(toy, tmp_path) -> None:
    file = tmp_path / "spec.json"
    file.write_text('{"seed": 5, "eval_rows": 9, "synthesize": true, "steps": 1}')
    words = ["train", "--model", toy, "--out", "x", "--spec", str(file), "--from", "none"]
    args = build_parser().parse_args([*words, "--seed", "0", "--eval-rows", "0"])
    spec = _spec(args, user_paths())
    assert (spec.seed, spec.eval_rows, spec.synthesize) == (0, 0, True)


def test_data_synthesize_takes_the_model_last_used(tmp_path, capsys) -> None:
    settings = Settings(last_model="no-longer-here")
    save_settings(user_paths().settings_file, settings)
    assert main(["data", "synthesize", "--out", str(tmp_path / "rows.jsonl")]) == 1
    assert "no-longer-here" in capsys.readouterr().err
