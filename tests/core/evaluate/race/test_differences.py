from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.race.differences import Stretch, differing_words, word_diff

TEXTS = st.lists(st.sampled_from("abc"), max_size=8).map(" ".join)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("a b c", "a b c", (0, 3)),
        ("a b c", "a x c d", (2, 4)),
        ("a b", "a", (1, 2)),
        ("", "", (0, 0)),
    ],
)
def test_words_that_differ(first: str, second: str, found: tuple[int, int]) -> None:
    assert differing_words(word_diff(first, second)) == found


def test_a_replaced_word_stands_before_what_replaces_it() -> None:
    assert word_diff("one two three", "one 2 three") == (
        Stretch("both", ("one",)),
        Stretch("first", ("two",)),
        Stretch("second", ("2",)),
        Stretch("both", ("three",)),
    )


def test_line_ends_stay_but_are_no_words() -> None:
    stretches = word_diff("one\ntwo", "one two")
    assert Stretch("first", ("\n",)) in stretches
    assert differing_words(stretches) == (0, 2)


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_out_of_their_difference(first: str, second: str) -> None:
    stretches = word_diff(first, second)
    for text, owner in ((first, "first"), (second, "second")):
        words = [word for one in stretches if one.owner in ("both", owner) for word in one.words]
        assert words == text.split()
