"""Which field is whose; nothing is guessed."""

from __future__ import annotations

import pytest

from core.documents.records import (
    ColumnMap,
    FileStarted,
    Finding,
    Record,
    Row,
    Unreadable,
    found_from_json,
    found_to_json,
)
from core.documents.roles import to_row
from core.engine.request import Message
from core.errors import KnownError

PAIR = Row((Message("user", "Q"), Message("assistant", "A")))


@pytest.mark.parametrize(
    "data",
    [
        {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]},
        {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]},
        {"prompt": "Q", "response": "A", "id": 3},
        {"Question": "Q", " ANSWER ": "A"},
        {"instruction": "Q", "input": "", "output": "A", "text": "all of it"},
    ],
)
def test_pairs_are_recognised(data) -> None:
    assert to_row(data) == PAIR


def test_the_rest_is_recognised() -> None:
    asked = to_row({"instruction": "Add.", "input": "1 and 2", "output": "3"})
    assert asked.messages[0].content == "Add.\n\n1 and 2"
    assert to_row({"question": "Q", "answer": " "}).lacks_answer
    whole = {"text": "T", "family": "f", "complete": False}
    assert to_row(whole) == Row(text="T", family="f", complete=False)
    assert to_row({"text": "half \ud800"}).text == "half ?"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (3, "no object"),
        ({}, "no column"),
        ({"Frage": "Q"}, "choose the columns"),
        ({"text": ""}, "is no text"),
        ({"prompt": 3}, "is no text"),
        ({"messages": "Q"}, "no list"),
        ({"messages": [{"role": "tool", "content": "Q"}]}, "'tool'"),
        ({"messages": [{"role": "system", "content": "Q"}]}, "no turn of a user"),
        ({"conversations": [{"from": "human"}]}, "is no text"),
    ],
)
def test_what_is_no_row_is_told(data, said) -> None:
    with pytest.raises(Unreadable, match=said):
        to_row(data)


def test_chosen_columns_go_before_known_names() -> None:
    data = {"text": "T", "Frage": "Q", "Antwort": "A"}
    assert to_row(data, ColumnMap.parse("prompt=Frage,response=Antwort")) == PAIR
    assert to_row(data, ColumnMap(text="Antwort")) == Row(text="A")
    assert to_row({"Frage": "Q", "Antwort": ""}, ColumnMap("Frage", "Antwort")).lacks_answer


def test_what_lacks_the_chosen_columns_is_read_by_its_shape() -> None:
    chosen = ColumnMap(prompt="Frage", response="Antwort")
    assert to_row({"text": "T"}, chosen) == Row(text="T")
    assert to_row({"prompt": "Q", "response": "A", "Frage": "no answer to it"}, chosen) == PAIR
    with pytest.raises(Unreadable, match=r"no column Antwort$") as caught:
        to_row({"Frage": "Q", "id": 1}, chosen)
    assert caught.value.columns == ("Frage", "id")


def test_a_column_without_a_name_is_no_response() -> None:
    [asked] = to_row({"": "0", "Frage": "Q"}, ColumnMap(prompt="Frage")).messages
    assert (asked.role, asked.content) == ("user", "Q")


def test_columns_are_chosen_by_the_names_that_are_told() -> None:
    long = "How sure are you of it? " * 20
    with pytest.raises(Unreadable) as caught:
        to_row({"in\ntwo lines": "Q", long: "A"})
    assert to_row({"in\ntwo lines": "Q", long: "A"}, ColumnMap(*caught.value.columns)) == PAIR
    assert ColumnMap.parse(f"text={long}").names == caught.value.columns[1:]


@pytest.mark.parametrize(
    "chosen",
    [
        ColumnMap(prompt="Frage, kurz", response="a=b"),
        ColumnMap(prompt='say "x"', response="; |"),
        ColumnMap(text='"'),
        ColumnMap(text=" "),
    ],
)
def test_a_column_map_survives_its_words(chosen) -> None:
    assert ColumnMap.parse(chosen.wish) == chosen


def test_plain_names_need_no_quotes() -> None:
    assert ColumnMap(prompt="Frage", response="Antwort").wish == "prompt=Frage,response=Antwort"


@pytest.mark.parametrize(
    "wish", ["", "text=a,prompt=b", "response=a", "answer=b", "prompt", "text=a\nb"]
)
def test_bad_column_maps_are_refused(wish) -> None:
    with pytest.raises(KnownError):
        ColumnMap.parse(wish)


@pytest.mark.parametrize(
    "found",
    [
        FileStarted("a\udcff.txt"),
        Record("a", "line 1", PAIR),
        Record("a", "line 1", PAIR, ("Frage", "Antwort")),
        Record("a", "line 1", Row(text="T", family="f", complete=False)),
        Finding("a", "", "skipped", "why", ("b", "c")),
    ],
)
def test_what_is_found_survives_its_json(found) -> None:
    import json

    assert found_from_json(json.loads(found_to_json(found))) == found
