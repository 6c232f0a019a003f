"""An answer at another threshold: what the walk must hold to."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from core.estimate import estimate, rule_of, would_keep
from core.events import PassDone
from core.metrics import blocks_of
from core.rule import CHECKED_FROM, Rule

PLAIN = Rule(1, checks=False)


def a_pass(
    index: int,
    own: list[int],
    proposed: list[int],
    sure: list[float],
    confirmed: tuple[int, ...] = (),
    provisional: int = 0,
) -> PassDone:
    return PassDone(
        index=index,
        token_ids=(*confirmed, *own),
        text="".join(map(str, (*confirmed, *own))),
        proposed_ids=tuple(proposed),
        confidences=tuple(sure),
        alternatives=(),
        refused=0,
        threshold=0.9,
        width=len(proposed),
        seconds=0.01,
        confirmed=len(confirmed),
        provisional=provisional,
    )


def run(sure: list[float], start: int, least: float) -> int:
    while start < len(sure) and sure[start] >= least:
        start += 1
    return start


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[PassDone], Rule]:
    """What a decoder at .9 would have recorded, by any rule; the text is 0, 1, 2, ..."""
    rule = Rule(draw(st.sampled_from([1, 2])), draw(st.booleans()))
    passes: list[PassDone] = []
    token, checked = 0, []
    for index in range(draw(st.integers(1, 12))):
        held = run([one == token + n for n, one in enumerate(checked)], 0, True)
        confirmed = tuple(checked[:held])
        token += held
        sure = draw(st.lists(st.floats(0, 1), min_size=1, max_size=6))
        if held < len(checked):
            sure = sure[:1]  # what the mask rows propose is void
        size = max(1, run(sure, (rule.count_from_slot or 1) - 1, 0.9))
        proposed = [token + slot for slot in range(len(sure))]
        # Slots that were not kept may or may not have guessed what came later.
        for slot in range(size, len(sure)):
            if draw(st.booleans()):
                proposed[slot] = -1
        checked = proposed[size : run(sure, size, CHECKED_FROM)] if rule.checks else []
        passes.append(a_pass(index, proposed[:size], proposed, sure, confirmed, len(checked)))
        token += size
    held = run([one == token + n for n, one in enumerate(checked)], 0, True)
    if held == len(checked) > 0 and draw(st.booleans()):  # the answer ends with what was checked
        passes.append(a_pass(len(passes), [], [0], [0.0], tuple(checked)))
    return passes, rule


@given(recordings())
def test_at_the_recorded_threshold_the_recorded_blocks_come_out(
    recording: tuple[list[PassDone], Rule],
) -> None:
    passes, rule = recording
    # A kept run may go on into later passes where their tokens were guessed with confidence
    # enough by slots beyond the run; here the run ended at an unsure slot or at the last one.
    assert estimate(passes, 0.9, rule) == tuple(one.size for one in blocks_of(passes))


@given(recordings(), st.floats(0, 1))
def test_sizes_add_up_to_all_tokens(
    recording: tuple[list[PassDone], Rule], threshold: float
) -> None:
    passes, rule = recording
    sizes = estimate(passes, threshold, rule)
    assert sum(sizes) == sum(len(one.token_ids) for one in passes)
    assert all(size >= 1 for size in sizes[:-1])


def test_threshold_one_is_one_token_a_pass_even_for_certain_slots() -> None:
    passes = [a_pass(0, [1, 2, 3], [1, 2, 3], [1.0, 1.0, 1.0])]
    assert estimate(passes, 1.0, PLAIN) == (1, 1, 1)
    assert estimate(passes, 0.999, PLAIN) == (3,)


def test_a_lower_threshold_joins_blocks_that_were_guessed_ahead() -> None:
    passes = [
        a_pass(0, [1], [1, 2, 3], [0.95, 0.7, 0.6]),
        a_pass(1, [2, 3], [2, 3], [0.99, 0.95]),
    ]
    assert estimate(passes, 0.9, PLAIN) == (1, 2)
    assert estimate(passes, 0.65, PLAIN) == (2, 1)
    assert estimate(passes, 0.5, PLAIN) == (3,)


def test_a_wrong_guess_ends_the_block_however_sure_it_was() -> None:
    passes = [
        a_pass(0, [1], [1, 9], [0.95, 0.89]),
        a_pass(1, [2], [2], [0.99]),
    ]
    assert estimate(passes, 0.1, PLAIN) == (1, 1)


def test_in_the_middle_of_a_block_the_latest_covering_pass_counts() -> None:
    passes = [a_pass(0, [1, 2, 3, 4], [1, 2, 3, 4], [0.99, 0.92, 0.99, 0.99])]
    assert estimate(passes, 0.95, PLAIN) == (1, 1, 2)
    assert estimate(passes, 0.95, Rule(2, checks=False)) == (1, 3)


def test_the_rule_for_slot_one_is_read_off_the_recording() -> None:
    last = a_pass(1, [3], [3], [1.0])
    ends_at_slot_one = a_pass(0, [1], [1, 2], [0.5, 0.95], provisional=1)
    passes_over_slot_one = a_pass(0, [1, 2], [1, 2], [0.5, 0.95])
    assert rule_of([ends_at_slot_one, last]) == Rule(1)
    assert rule_of([passes_over_slot_one, last]) == Rule(2)
    assert rule_of([ends_at_slot_one]) == Rule(2)  # the answer may have ended there


def test_a_likely_slot_left_unchecked_shows_that_nothing_was_checked() -> None:
    left = a_pass(0, [1], [1, 2], [0.95, 0.7])
    checked = a_pass(0, [1], [1, 2], [0.95, 0.7], provisional=1)
    last = a_pass(1, [3], [3, 4], [0.95, 0.7], confirmed=(2,))
    assert rule_of([left, last]) == Rule(2, checks=False)
    assert rule_of([checked, last]) == Rule(2)


def test_likely_slots_join_a_block_and_a_wrong_one_costs_the_next_its_proposals() -> None:
    passes = [a_pass(0, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [1.0, 0.8, 0.6, 0.4, 0.8, 0.8])]
    assert estimate(passes, 0.9, Rule(1)) == (3, 3, 0)  # one more pass confirms the end
    assert estimate(passes, 0.9, PLAIN) == (1, 1, 1, 1, 1, 1)
    wrong = [
        a_pass(0, [1], [1, 9, 9], [1.0, 0.8, 0.8]),
        a_pass(1, [2, 3], [2, 3, 4], [1.0, 0.95, 0.3]),
    ]
    assert estimate(wrong, 0.9, Rule(1)) == (1, 1, 1)
    assert estimate(wrong, 0.9, PLAIN) == (1, 2)
    # A sure one that is wrong would not have been checked: what follows is another answer.
    assert estimate(wrong, 0.7, Rule(1)) == (1, 2)


def test_an_exact_pass_in_between_would_have_kept_by_its_confidences_too() -> None:
    exact = dataclasses.replace(
        a_pass(0, [1], [1, 2, 3], [1.0, 0.95, 0.7], provisional=2), threshold=0.0, is_exact=True
    )
    last = a_pass(1, [4], [4], [1.0], confirmed=(2, 3))
    assert would_keep([exact, last], 0, 0.9, Rule(2)) == 3
    assert would_keep([exact, last], 0, 0.9, Rule(2, checks=False)) == 2
    end = a_pass(1, [], [9, 10], [1.0, 0.95], confirmed=(2, 3))
    assert would_keep([exact, dataclasses.replace(end, is_exact=True)], 1, 0.9, Rule(2)) == 0


@given(recordings())
def test_a_pass_would_keep_at_its_own_threshold_what_it_kept(
    recording: tuple[list[PassDone], Rule],
) -> None:
    passes, rule = recording
    places = range(len(passes))
    if passes[-1].kept == 0:
        places = range(len(passes) - 1)
    recorded = [one.size for one in blocks_of(passes)][: len(places)]
    assert [would_keep(passes, place, 0.9, rule) for place in places] == recorded
    assert all(would_keep(passes, place, 1.0, rule) == 1 for place in places)
    slots = [len(passes[place].proposed_ids) for place in places]
    assert [would_keep(passes, place, 0.0, rule) for place in places] == slots


def test_a_pass_that_the_answers_end_cut_short_would_have_ended_there_too() -> None:
    whole = a_pass(0, [0, 1, 2], [0, 1, 2, 3], [0.99, 0.97, 0.96, 0.3])
    cut = a_pass(0, [0, 1], [0, 1, 2, 3], [0.99, 0.97, 0.96, 0.3])
    rule = Rule(2, checks=False)
    assert [would_keep([whole], 0, one, rule) for one in (0.99, 0.9, 0.2)] == [1, 3, 4]
    assert [would_keep([cut], 0, one, rule) for one in (0.99, 0.9, 0.2)] == [1, 2, 2]
