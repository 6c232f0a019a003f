"""A planned training: answers kept, made into a spec, and into the command that says the same."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
from pathlib import Path
from typing import Any

import pytest
from accelerate import Accelerator

from core.cli.main import build_parser
from core.cli.train import _spec
from core.control import Cancel
from core.documents.records import ColumnMap
from core.errors import Cancelled, KnownError
from core.paths import user_paths
from core.settings import Settings
from core.train.draft import (
    Draft,
    draft_file,
    load_draft,
    name_problem,
    save_draft,
    suggest_name,
)
from core.train.forecast import Measured, RowLengths, forecast, run_probe, writing_share
from core.train.plan import FULL_LEARNING_RATE, command_line
from core.train.preview import Preview
from core.train.probe import _grown
from core.train.spec import SYNTHESIS_SHARE, TrainSpec
from core.train.step_count import StepCount
from tests.core.toy import save_toy


@pytest.fixture
def draft(tmp_path) -> Draft:
    save_toy(tmp_path / "toy")
    (tmp_path / "My notes.txt").write_text("Some words.")
    return Draft(model=str(tmp_path / "toy"), data=(str(tmp_path / "My notes.txt"),), name="notes")


def test_a_draft_survives_a_closed_app(draft) -> None:
    file = draft_file(user_paths())
    assert load_draft(file) == Draft()
    changed = draft.with_advanced("rank", 8).changed(duration="quick", page=3)
    save_draft(file, changed)
    assert load_draft(file) == changed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"data": [], "duration": "forever"}',
        '{"data": [], "advanced": {"x": 1}}',
    ],
)
def test_a_draft_of_another_version_is_begun_anew(text, tmp_path) -> None:
    (tmp_path / "draft.json").write_text(text)
    assert load_draft(tmp_path / "draft.json") == Draft()


def test_odd_columns_of_an_earlier_version_are_all_that_is_lost(draft) -> None:
    file = draft_file(user_paths())
    save_draft(file, draft.changed(columns="Frage"))
    assert load_draft(file) == draft.changed(columns="")


def test_an_advanced_setting_can_be_taken_back(draft) -> None:
    changed = draft.with_advanced("rank", 8)
    assert changed.spec(user_paths(), Settings()).rank == 8
    assert changed.with_advanced("rank", None) == draft


def test_the_spec_says_what_was_answered(draft) -> None:
    spec = draft.spec(user_paths(), Settings())
    assert spec.minutes == 30
    assert spec.leave_out_secrets
    assert spec.start_from == "none"  # no adapter fits the toy
    assert Path(spec.out) == user_paths().adapters / "notes"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "has no name"),
        ({"data": ()}, "nothing to train on"),
        ({"model": "no-such-model"}, "no-such-model"),
        ({"advanced": {"k_max": 1}}, "k_max"),
        ({"advanced": {"start_from": "/nowhere"}}, "holds no Stride adapter"),
    ],
)
def test_what_cannot_be_trained_gets_a_sentence(draft, changes, said) -> None:
    with pytest.raises(KnownError, match=said):
        draft.changed(**changes).spec(user_paths(), Settings())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("learning_rate", -3.0, "more than 0, not -3.0"),
        ("vector_learning_rate", math.inf, "more than 0, not inf"),
        ("base_learning_rate", 0.0, "more than 0"),
        ("clip", math.nan, "more than 0, not nan"),
        ("rank", 0, "at least 1"),
        ("context", 0, "at least 1"),
        ("save_every", -1, "at least 1, not -1"),
        ("processes", 0, "at least 1"),
        ("eval_rows", -1, "at least 0"),
        ("ce_weight", math.nan, "at least 0"),
    ],
)
def test_each_setting_is_checked_by_its_name(draft, name, value, said) -> None:
    spec = draft.spec(user_paths(), Settings())
    with pytest.raises(KnownError, match=f"^{name} must be {said}"):
        dataclasses.replace(spec, **{name: value}).check()


def test_the_command_asks_for_the_same_training(draft) -> None:
    columns = ColumnMap(prompt="a, b", response="'c").wish
    wished = draft.changed(columns=columns).with_advanced("rank", 4).with_advanced("seed", 5)
    spec = wished.spec(user_paths(), Settings())
    command = shlex.split(command_line(spec))
    assert command[:2] == ["stride", "train"]
    assert _spec(build_parser().parse_args(command[1:]), user_paths()) == spec


def test_a_full_training_has_a_learning_rate_of_its_own(draft) -> None:
    full = draft.with_advanced("kind", "full")
    assert full.spec(user_paths(), Settings()).learning_rate == FULL_LEARNING_RATE
    for rate in (FULL_LEARNING_RATE, TrainSpec.learning_rate):
        spec = full.with_advanced("learning_rate", rate).spec(user_paths(), Settings())
        command = shlex.split(command_line(spec))
        assert _spec(build_parser().parse_args(command[1:]), user_paths()) == spec


def test_nothing_is_forecast_for_several_processes(draft) -> None:
    spec = draft.with_advanced("processes", 2).spec(user_paths(), Settings())
    with pytest.raises(KnownError, match="several processes"):
        run_probe(spec, Cancel())


def test_names_of_adapters(draft, tmp_path) -> None:
    paths = user_paths()
    assert suggest_name(draft.data, paths) == "my-notes"
    assert suggest_name((), paths) == "adapter"
    (paths.adapters / "my-notes").mkdir(parents=True)
    assert suggest_name(draft.data, paths) == "my-notes-2"
    (paths.adapters / "my-notes" / "stride-adapter.json").write_text("{}")
    assert "already" in name_problem("my-notes", paths)
    assert name_problem("a/b", paths)
    assert name_problem(" ", paths)
    assert not name_problem("Größe 2", paths)


def test_no_name_is_longer_than_a_disk_takes(draft, tmp_path) -> None:
    paths = user_paths()
    assert "too long" in name_problem("a" * 300, paths)
    assert "too long" in name_problem("ß" * 61, paths)
    assert not name_problem("ß" * 60, paths)
    for _ in range(2):  # with a number behind it, too
        name = suggest_name((f"/files/{'ß' * 100}.txt",), paths)
        assert not name_problem(name, paths)
        (paths.adapters / name).mkdir(parents=True)


def test_a_forecast_follows_from_what_was_measured() -> None:
    measured = Measured(2.0, 100, trained_bytes=10, device="cpu", room_bytes=500)
    spec = TrainSpec("m", "o", minutes=10.0, keep_checkpoints=2)
    assert dataclasses.astuple(forecast(spec, measured)) == (600.0, 255, 100, 40, "cpu", 500)
    assert forecast(spec, measured, SYNTHESIS_SHARE).steps == 154
    fixed = dataclasses.replace(spec, minutes=None, steps=5)
    assert forecast(fixed, measured).seconds == 10.0


def test_a_forecast_counts_its_steps_as_the_run_will(tmp_path) -> None:
    measured = Measured(2.0, 100, 10, "cpu", 500, start_seconds=30.0, eval_seconds=40.0)
    spec = TrainSpec("m", "o", minutes=10.0, eval_every=10)
    count = StepCount(spec, tmp_path, Accelerator(cpu=True))
    # Loading, its probe and the first evaluation are over when the run counts.
    count.fix(0, 30.0 + 40.0, step_seconds=2.0, eval_seconds=40.0)
    assert forecast(spec, measured).steps == count.total == 66
    slow = dataclasses.replace(measured, eval_seconds=400.0)
    assert forecast(spec, slow).steps == 1  # a run has one step at least


def test_the_usual_row_stands_for_the_pace_and_the_longest_for_the_memory() -> None:
    short = Preview(tokenizer=None, end_id=None, context=400, lengths=[60] * 9 + [300])
    short._longest = 350
    assert RowLengths.of(short) == RowLengths(350, 60 + 48)
    assert writing_share(short) == 0
    short.unanswered = 1  # its answer is yet to be written
    assert RowLengths.of(short) == RowLengths(350, 60 + 48 + 96)
    assert writing_share(short) == SYNTHESIS_SHARE
    nothing = Preview(tokenizer=None, end_id=None, context=400)
    assert RowLengths.of(nothing).longest == 0


def test_a_forecast_counts_what_is_kept_of_the_rows() -> None:
    measured = Measured(2.0, 100, 10, "cpu", 500, kept_bytes=7)
    gated = TrainSpec("m", "o", steps=5, keep_checkpoints=2)
    assert forecast(gated, measured, tokens=1000, free_bytes=14_000).disk_bytes == 7040
    assert forecast(gated, measured, tokens=1000, free_bytes=13_999).disk_bytes == 40
    heads = dataclasses.replace(gated, kind="heads")
    assert forecast(heads, measured, tokens=1000, free_bytes=13_999).disk_bytes == 7040


def test_the_probe_measures_steps_of_the_spec(draft) -> None:
    small = draft.with_advanced("context", 64).with_advanced("device", "cpu")
    measured = run_probe(small.spec(user_paths(), Settings()), Cancel())
    assert 0 < measured.step_seconds < 60
    assert measured.device == "cpu"
    assert measured.room_bytes > measured.peak_bytes
    assert measured.peak_bytes > 50e6
    assert measured.kept_bytes > 0
    assert measured.start_seconds > 3 * measured.step_seconds / 2
    assert measured.eval_seconds > 0
    assert json.dumps(dataclasses.asdict(measured))


def test_a_long_run_comes_to_hold_more_than_its_probe() -> None:
    def grown(**changes: Any) -> int:
        return _grown(1000, TrainSpec("model", "out", **changes), step_seconds=1.0)

    assert grown(minutes=120) == grown(minutes=30) == 1500
    assert grown(minutes=30, kind="full") == 1100
    assert grown(steps=30 * 60) == 1500
    assert 1100 < grown(minutes=3) < 1150


def test_a_probe_that_fails_says_why_and_one_can_be_cancelled(draft, tmp_path) -> None:
    spec = draft.spec(user_paths(), Settings())
    with pytest.raises(KnownError, match="probe of a few steps failed"):
        run_probe(dataclasses.replace(spec, model=str(tmp_path / "gone")), Cancel())
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        run_probe(spec, cancel)
