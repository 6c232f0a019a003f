"""Events are frozen values with a JSON name each."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from core import events, jsonl
from tests.core.streams import pass_done


@pytest.mark.parametrize("kind", get_args(events.Event))
def test_every_event_is_a_frozen_slotted_dataclass(kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)


def test_a_pass_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        pass_done(0, "one").text = "two"  # type: ignore[misc]


def test_only_pass_events_carry_token_ids() -> None:
    bearers = [
        kind.__name__
        for kind in get_args(events.Event)
        if "token_ids" in {field.name for field in dataclasses.fields(kind)}
    ]
    assert bearers == ["PassDone"]
    assert jsonl.to_dict(pass_done(0, "one"))["event"] == "pass_done"
