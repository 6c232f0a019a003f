"""An answer at another threshold: what the walk must hold to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.estimate import counted_from, estimate, would_keep
from core.events import PassDone


def a_pass(index: int, kept: list[int], proposed: list[int], sure: list[float]) -> PassDone:
    return PassDone(
        index=index,
        token_ids=tuple(kept),
        text="".join(map(str, kept)),
        proposed_ids=tuple(proposed),
        confidences=tuple(sure),
        alternatives=(),
        refused=0,
        threshold=0.9,
        width=len(proposed),
        seconds=0.01,
    )


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[PassDone], int]:
    """What a decoder at .9 would have recorded, by either rule for slot 1."""
    first = draw(st.sampled_from([1, 2]))
    passes, token = [], 0
    for index in range(draw(st.integers(1, 12))):
        sure = draw(st.lists(st.floats(0, 1), min_size=1, max_size=6))
        size = 0
        for slot, confidence in enumerate(sure, start=1):
            if slot >= first and confidence < 0.9:
                break
            size += 1
        size = max(size, 1)
        proposed = [token + slot for slot in range(len(sure))]
        # Slots that were not kept may or may not have guessed what came later.
        for slot in range(size, len(sure)):
            if draw(st.booleans()):
                proposed[slot] = -1
        passes.append(a_pass(index, proposed[:size], proposed, sure))
        token += size
    return passes, first


@given(recordings())
def test_at_the_recorded_threshold_the_recorded_blocks_come_out(
    recording: tuple[list[PassDone], int],
) -> None:
    passes, first = recording
    sizes = tuple(len(one.token_ids) for one in passes)
    # A kept run may go on into later passes where their tokens were guessed with confidence
    # enough by slots beyond the run; here the run ended at an unsure slot or at the last one.
    assert estimate(passes, 0.9, first) == sizes


@given(recordings(), st.floats(0, 1))
def test_sizes_add_up_to_all_tokens(
    recording: tuple[list[PassDone], int], threshold: float
) -> None:
    passes, first = recording
    sizes = estimate(passes, threshold, first)
    assert sum(sizes) == sum(len(one.token_ids) for one in passes)
    assert all(size >= 1 for size in sizes)


def test_threshold_one_is_one_token_a_pass_even_for_certain_slots() -> None:
    passes = [a_pass(0, [1, 2, 3], [1, 2, 3], [1.0, 1.0, 1.0])]
    assert estimate(passes, 1.0) == (1, 1, 1)
    assert estimate(passes, 0.999) == (3,)


def test_a_lower_threshold_joins_blocks_that_were_guessed_ahead() -> None:
    passes = [
        a_pass(0, [1], [1, 2, 3], [0.95, 0.7, 0.6]),
        a_pass(1, [2, 3], [2, 3], [0.99, 0.95]),
    ]
    assert estimate(passes, 0.9) == (1, 2)
    assert estimate(passes, 0.65) == (2, 1)
    assert estimate(passes, 0.5) == (3,)


def test_a_wrong_guess_ends_the_block_however_sure_it_was() -> None:
    passes = [
        a_pass(0, [1], [1, 9], [0.95, 0.89]),
        a_pass(1, [2], [2], [0.99]),
    ]
    assert estimate(passes, 0.1) == (1, 1)


def test_in_the_middle_of_a_block_the_latest_covering_pass_counts() -> None:
    passes = [a_pass(0, [1, 2, 3, 4], [1, 2, 3, 4], [0.99, 0.92, 0.99, 0.99])]
    assert estimate(passes, 0.95) == (1, 1, 2)
    assert estimate(passes, 0.95, count_from_slot=2) == (1, 3)


def test_the_rule_for_slot_one_is_read_off_the_recording() -> None:
    ends_at_slot_one = [a_pass(0, [1], [1, 2], [0.5, 0.95])]
    passes_over_slot_one = [a_pass(0, [1, 2], [1, 2], [0.5, 0.95])]
    assert counted_from(ends_at_slot_one) == 1
    assert counted_from(passes_over_slot_one) == 2


@given(recordings())
def test_a_pass_would_keep_at_its_own_threshold_what_it_kept(
    recording: tuple[list[PassDone], int],
) -> None:
    passes, first = recording
    assert [would_keep(one, 0.9, first) for one in passes] == [len(one.token_ids) for one in passes]
    assert all(would_keep(one, 1.0, first) == 1 for one in passes)
    assert all(would_keep(one, 0.0, first) == len(one.proposed_ids) for one in passes)


def test_a_pass_that_the_answers_end_cut_short_would_have_ended_there_too() -> None:
    whole = a_pass(0, [0, 1, 2], [0, 1, 2, 3], [0.99, 0.97, 0.96, 0.3])
    cut = a_pass(0, [0, 1], [0, 1, 2, 3], [0.99, 0.97, 0.96, 0.3])
    assert [would_keep(whole, one, 2) for one in (0.99, 0.9, 0.2)] == [1, 3, 4]
    assert [would_keep(cut, one, 2) for one in (0.99, 0.9, 0.2)] == [1, 2, 2]
