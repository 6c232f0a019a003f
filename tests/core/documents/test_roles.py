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
        {"instruction": "Q", "output": "A", "prompt": "Q, then A"},
        {"prompt": "Q", "completion": "A"},
        {"prompt": "Q", "output": "A"},
        {"prompt": "Q", "chosen": "A", "rejected": "worse than that"},
        {"question": "Q", "response": "A"},
        {"prompt": "Q", "answer": "A"},
        {"question": "Q", "answers": ["A", "or B"]},
        {"question": "Q", "answers": {"text": ["A", "or B"], "answer_start": [1, 2]}},
        {"instruction": "Q", "context": "", "response": "A", "category": "open qa"},
        {"conversations": [{"role": "User", "content": "Q"}, {"role": "bot", "content": "A"}]},
        {"messages": [{"from": "human", "value": "Q"}, {"from": "ChatGPT", "value": "A"}]},
        {
            "messages": [
                {"role": "system", "content": ""},
                {"role": "user", "content": [{"type": "text", "text": "Q"}]},
                {"role": "model", "content": "A"},
            ]
        },
    ],
)
def test_pairs_are_recognised(data) -> None:
    assert to_row(data) == PAIR


@pytest.mark.parametrize(
    "data",
    [
        {"instruction": "Q", "output": "A", "system": "S"},
        {"question": "Q", "response": "A", "system_prompt": "S"},
        {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}],
         "system": "S"},
        {"messages": [{"role": "developer", "content": "S"}, {"role": "user", "content": "Q"},
                      {"role": "assistant", "content": "A"}], "system": "another"},
    ],
)  # fmt: skip
def test_a_system_message_goes_first(data) -> None:
    assert to_row(data) == Row((Message("system", "S"), *PAIR.messages))


@pytest.mark.parametrize("asked", ["prompt", "question", "instruction"])
def test_a_prompt_whose_answer_may_be_elsewhere_asks(asked) -> None:
    data = {"id": "a b", asked: "Q", " Reply": "Yes, it is."}
    with pytest.raises(Unreadable, match='"Reply" holds the answer: choose the columns') as caught:
        to_row({name.strip(): value for name, value in data.items()})
    assert caught.value.columns == ("id", asked, "Reply")
    assert to_row(data, ColumnMap(asked, " Reply")).messages[1].content == "Yes, it is."


def test_short_words_beside_a_prompt_are_no_answer() -> None:
    about = {"id": 3, "category": "open qa", "source": "my notes", "family": "f", "n": "one"}
    row = to_row({"prompt": "Q", "check": "has two words", "reference": "The answer.", **about})
    assert row == Row((Message("user", "Q"),), family="f")


def test_the_rest_is_recognised() -> None:
    for below in ("input", "context"):
        asked = to_row({"instruction": "Add.", below: "1 and 2", "output": "3"})
        assert asked.messages[0].content == "Add.\n\n1 and 2"
    assert to_row({"text": "T", "title": "a b", "summary": "of c"}) == Row(text="T")
    assert to_row({"question": "Q", "answers": []}).lacks_answer
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
        ({"text": ""}, "the text is empty"),
        ({"prompt": None}, "the prompt is empty"),
        ({"prompt": 3}, r"the prompt is no text \('3'\)"),
        ({"prompt": "Q", "response": 3}, r"the answer is no text"),
        ({"messages": "Q"}, "no list"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "'image_url'"),
        ({"messages": [{"role": "tool", "content": "Q"}]}, "'tool'"),
        ({"messages": [{"role": "system", "content": "Q"}]}, "no turn of a user"),
        ({"conversations": [{"from": "human"}]}, "a turn of the user is empty"),
        ({"conversations": [{"from": "function", "value": "f"}]}, "'function'"),
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
