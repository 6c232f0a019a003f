"""`stride race` on a toy model folder."""

from __future__ import annotations

import json
import signal

import pytest

from core.cli.main import main
from core.evaluate.race.race import Race
from core.history.store import HistoryStore
from core.jsonl import from_dict
from tests.core.toy import save_toy


@pytest.fixture
def options(tmp_path):
    folder = str(save_toy(tmp_path / "toy"))
    return [
        "race",
        "hello",
        "--model",
        folder,
        "--max-new-tokens",
        "5",
        "--runs",
        "2",
        "--dtype",
        "float32",
    ]


def test_the_json_holds_the_events_of_the_median_runs(options, capsys, paths):
    assert main([*options, "--threshold", "0.8", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [row["strategy"] for row in result["results"]] == ["next_token", "confadapt"]
    events = [from_dict(event) for event in result["results"][1]["events"]]
    assert events[0].threshold == 0.8
    assert events[-1].tokens == 5
    assert result["speedup"] > 0
    assert (result["device"], result["dtype"]) == ("cpu", "float32")
    with HistoryStore(paths.database) as store:
        (record,) = store.list_runs()
        assert (record.kind, record.title) == ("race", "hello")
        assert len(store.trace(record.id)) == len(events)


def test_the_table(options, capsys):
    assert main(options) == 0
    out, err = capsys.readouterr()
    assert "Speed-up" in out
    assert "cpu, float32" in out
    assert "MTP is off" in err


@pytest.mark.parametrize(
    ("bad", "words"),
    [(["--threshold", "2"], "between 0 and 1"), (["--runs", "0"], "at least one run")],
)
def test_bad_options_get_a_sentence(options, capsys, bad, words):
    assert main([*options, *bad]) == 1
    assert words in capsys.readouterr().err


def test_a_history_that_cannot_be_kept_costs_nothing(options, capsys, paths):
    paths.database.parent.mkdir(parents=True)
    paths.database.mkdir()
    assert main([*options, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["complete"]
    assert "This race is not kept in the history" in err


def test_ctrl_c_prints_what_is_finished(options, capsys, monkeypatch):
    before, done = Race._decode, []

    def decode(self, *args):
        done.append(before(self, *args))
        if len(done) == 3:  # two of the warm-up, the first run of one-token decoding
            signal.raise_signal(signal.SIGINT)
        return done[-1]

    monkeypatch.setattr(Race, "_decode", decode)
    assert main([*options, "--json"]) == 130
    result = json.loads(capsys.readouterr().out)
    assert [row["strategy"] for row in result["results"]] == ["next_token"]
    assert result["speedup"] is None
