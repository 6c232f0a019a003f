"""Events survive the trip through a line of JSON, whatever their texts hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import jsonl
from core.errors import KnownError
from core.events import Event, RunEnded, WayCompared
from tests.core.streams import answer, any_event, pass_done


@given(any_event)
def test_an_event_comes_back_equal(event: Event) -> None:
    line = jsonl.dumps(event)
    assert "\n" not in line
    assert jsonl.from_dict(json.loads(line)) == event


@given(st.lists(any_event, max_size=4))
def test_lines_come_back_as_the_same_stream(stream: list[Event]) -> None:
    data = "".join(f"{jsonl.dumps(event)}\n" for event in stream).encode()
    assert list(jsonl.parse_lines(data, "test")) == stream


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_a_line_separator_inside_a_text_ends_no_line(odd: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event = pass_done(0, f"a{odd}b")
    path.write_text(f"{jsonl.dumps(event)}\n" * 2, encoding="utf-8", newline="")
    assert list(jsonl.read_events(path)) == [event, event]


def test_a_field_that_older_versions_did_not_write_keeps_its_default() -> None:
    ended = RunEnded("completed", 3, None, 1.0, 10, peak_bytes=0)
    older = {key: one for key, one in jsonl.to_dict(ended).items() if key != "peak_bytes"}
    assert jsonl.from_dict(older) == ended


def test_a_figure_that_older_versions_wrote_without_interval_is_its_own() -> None:
    one = (1.0, 1.0, 1.0)
    compared = WayCompared("confadapt", 0.9, 20, one, one, one, one, (0.02, 0.02, 0.02))
    assert jsonl.from_dict(jsonl.to_dict(compared) | {"repeated": 0.02}) == compared


def test_the_name_of_the_event_comes_first() -> None:
    assert jsonl.dumps(pass_done(0, "one")).startswith('{"event":"pass_done","index":0,')


@given(st.integers(min_value=1))
def test_a_torn_last_line_ends_the_reading(cut: int) -> None:
    stream = list(answer())
    data = "".join(f"{jsonl.dumps(event)}\n" for event in stream).encode()
    last = len(data.split(b"\n")[-2])
    torn = data[: len(data) - 1 - cut % last]
    expected = stream if len(torn) == len(data) - 1 else stream[:-1]
    assert list(jsonl.parse_lines(torn, "test")) == expected


def test_a_last_line_torn_inside_a_character_ends_the_reading() -> None:
    data = jsonl.dumps(pass_done(0, "ä")).encode()
    torn = data[: data.index("ä".encode()) + 1]
    assert list(jsonl.parse_lines(data + b"\n" + torn, "test")) == [pass_done(0, "ä")]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = jsonl.dumps(pass_done(0, "one"))
    path.write_text(f"{line}\n{{broken\n{line}\n", encoding="utf-8")
    with pytest.raises(KnownError, match="line 2 is not JSON"):
        list(jsonl.read_events(path))


@pytest.mark.parametrize("data", [{}, {"event": "unheard_of"}, {"event": "pass_done", "index": 1}])
def test_what_is_no_event_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(KnownError, match="Not a Stride event"):
        jsonl.from_dict(data)


def test_keys_of_a_newer_version_are_ignored() -> None:
    event = pass_done(0, "one")
    assert jsonl.from_dict({**jsonl.to_dict(event), "new": 1}) == event
