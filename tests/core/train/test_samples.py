"""The shipped sample domains: what is held out is about other things than what is trained on."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from core.evaluate.tasks import split_of
from core.train.samples import SAMPLE_DOMAINS, SampleDomain

LISTS = tomllib.loads(
    (Path(__file__).parents[3] / "packaging" / "samples.toml").read_text(encoding="utf-8")
)


def prompts(path: Path) -> list[str]:
    return [json.loads(line)["prompt"] for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("domain", SAMPLE_DOMAINS, ids=lambda domain: domain.name)
def test_what_is_held_out_stands_in_no_training_prompt(domain: SampleDomain) -> None:
    train, held_out = prompts(domain.train), prompts(domain.held_out)
    assert [len(set(train)), len(set(held_out))] == [600, 60]
    assert {split_of(prompt) for prompt in train} == {"train"}
    all_trained = "\n".join(train)
    for name, words in LISTS["held_out"].items():
        assert not [word for word in words if word in all_trained]
        if f"{{{name}}}" in LISTS["prompts"][domain.name]:
            assert all(any(word in prompt for word in words) for prompt in held_out)
