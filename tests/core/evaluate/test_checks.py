"""Checks judge content, and neither form nor prose around it decides."""

from __future__ import annotations

import pytest

from core.errors import KnownError
from core.evaluate.checks import check_answer

TABLE = {"kind": "table", "header": ["Item", "Count"], "rows": [["cup", "3"], ["lamp", "14"]]}
ROWS = "| cup | 3 |\n| lamp | 14 |"
COUNT = {"kind": "counting", "start": 10, "step": 5, "least": 3}
LINES = {"kind": "lines", "lines": ["1. pen", "2. cup"]}
JSON = {"kind": "json", "value": {"name": "Anna", "age": 31}}
DOUBLE = {"kind": "python", "names": ["double"]}
FUNCTION = "def double(x):\n    return x * 2"


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        ({"kind": "equals", "answers": ["a b", "c"]}, "  a\n b. "),
        ({"kind": "numbers", "values": [3, 4, 5]}, "The numbers are 3, 4, 5."),
        (COUNT, "10, 15, 20, 25, 3"),
        (LINES, "\n1. Pen\n\n2.  cup\n"),
        (JSON, '```json\n{"age": "31", "name": "Anna"}\n```\nThat is it.'),
        (TABLE, ROWS),
        (TABLE, f"Here it is:\n|Item|Count|\n|:--|---|\n{ROWS}\n| desk | 2 |"),
        (DOUBLE, FUNCTION),
        (DOUBLE, f"```python\n{FUNCTION}\n```\nIt doubles x."),
        (DOUBLE, f"{FUNCTION}\n```\n\nIt doubles x."),
        (DOUBLE, "double = 2"),
    ],
)
def test_right_answers_pass(check, answer):
    assert check_answer(check, answer)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        ({"kind": "equals", "answers": ["a b"]}, "a b c"),
        ({"kind": "numbers", "values": [3, 4, 5]}, "3, 4, 5, 6"),
        (COUNT, "10, 15, 25, 30, 35"),
        (COUNT, "10, 15, 20"),
        (LINES, "1. pen\n2. cup\n3. hat"),
        (JSON, '{"name": "Anna"}'),
        (JSON, "no braces here"),
        (JSON, '{"name": '),
        (TABLE, "| lamp | 14 |\n| cup | 3 |"),
        (TABLE, "| cup | 3 |"),
        (DOUBLE, "def double(x) return x"),
        (DOUBLE, "def triple(x):\n    return x * 3"),
        ({"kind": "python", "names": []}, "certainly"),
        ({"kind": "python", "names": []}, "x\0"),
    ],
)
def test_wrong_answers_fail(check, answer):
    assert not check_answer(check, answer)


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(KnownError, match=r"magic.*equals"):
        check_answer({"kind": "magic"}, "")


def test_a_lacking_field_is_named():
    with pytest.raises(KnownError, match="answers"):
        check_answer({"kind": "equals"}, "")
