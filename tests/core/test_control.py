"""Cancel and Threshold: plain objects that other threads may turn."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.control import Cancel, Threshold
from core.errors import Cancelled, KnownError


def test_cancel_is_quiet_until_it_is_set() -> None:
    cancel = Cancel()
    cancel.check()
    assert not cancel.is_set
    setter = threading.Thread(target=cancel.set)
    setter.start()
    setter.join()
    assert cancel.is_set
    with pytest.raises(Cancelled):
        cancel.check()


@given(st.floats(0, 1))
def test_a_threshold_between_0_and_1_is_in_force_at_once(value: float) -> None:
    threshold = Threshold(0.5)
    threshold.set(value)
    assert threshold.value == value


@given(st.floats().filter(lambda value: not 0 <= value <= 1))
def test_any_other_threshold_is_refused_and_changes_nothing(value: float) -> None:
    threshold = Threshold(0.5)
    with pytest.raises(KnownError, match="between 0 and 1"):
        threshold.set(value)
    assert threshold.value == 0.5
