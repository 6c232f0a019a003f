"""The shipped sample domains: nothing held out is trained on."""

from __future__ import annotations

import json

import pytest

from core.evaluate.tasks import split_of
from core.train.samples import SAMPLE_DOMAINS, SampleDomain


@pytest.mark.parametrize("domain", SAMPLE_DOMAINS, ids=lambda domain: domain.name)
def test_no_prompt_is_on_both_sides(domain: SampleDomain) -> None:
    sides = [
        [json.loads(line)["prompt"] for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (domain.train, domain.held_out)
    ]
    assert [len(set(side)) for side in sides] == [600, 60]
    assert {split_of(prompt) for prompt in sides[0]} == {"train"}
    assert {split_of(prompt) for prompt in sides[1]} == {"held_out"}
