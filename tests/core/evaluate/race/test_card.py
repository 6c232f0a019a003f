"""The result card says what the events say, and asks for nothing from outside."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import pytest

from core.errors import KnownError
from core.evaluate.race.card import race_card
from core.evaluate.race.files import write_race
from core.evaluate.race.recording import Recording, race_record, read_recording, shipped_race
from core.events import PassDone


@pytest.fixture
def race() -> Recording:
    return read_recording(shipped_race())


def test_the_figures_are_those_of_the_events(race: Recording) -> None:
    page = race_card(race)
    slow, fast = (result.racer.seconds for result in race.results)
    assert f"{slow / fast:.2f} times as fast" in page
    for result in race.results:
        passes = [one for one in result.racer.median_lap[1] if isinstance(one, PassDone)]
        tokens = sum(len(one.token_ids) for one in passes)
        assert f"<td>{tokens}</td><td>{len(passes)}</td><td>{tokens / len(passes):.2f}</td>" in page
        assert page.count('<span class="block') == sum(
            isinstance(event, PassDone) for one in race.results for event in one.racer.median_lap[1]
        )
    assert page.count('class="line') == len(race.results)


def test_it_opens_offline(race: Recording) -> None:
    page = race_card(race)
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page)
    assert "default-src 'none'" in page


def test_it_names_limits_and_origin(race: Recording) -> None:
    page = race_card(race)
    machine = race.facts["machine"]
    for words in ("not lossless", machine["cpu"], machine["torch"], "Apache-2.0", "starter"):
        assert words in page


def test_texts_of_the_model_are_escaped(race: Recording) -> None:
    facts = {**race.facts, "prompt": "<script>alert(1)</script>"}
    page = race_card(replace(race, facts=facts))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_table_and_the_json_hold_the_same_rows(race: Recording, tmp_path) -> None:
    for ending in ("csv", "json"):
        write_race(race, tmp_path / f"race.{ending}")
    with (tmp_path / "race.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["seconds"]) for row in rows] == [one.racer.seconds for one in race.results]
    whole = json.loads((tmp_path / "race.json").read_text(encoding="utf-8"))
    assert whole == json.loads(json.dumps(race_record(race)))
    assert read_recording(tmp_path / "race.json").results == race.results


def test_a_place_that_cannot_be_written_is_told(race: Recording, tmp_path) -> None:
    with pytest.raises(KnownError, match="cannot be written"):
        write_race(race, tmp_path / "no" / "race.html")
