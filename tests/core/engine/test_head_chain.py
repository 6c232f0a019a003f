"""Drafts of a chain are those of heads that read the whole sequence anew each time."""

from __future__ import annotations

import random

import pytest
import torch

from core.engine.head_chain import HeadChain
from core.model.heads import Heads, new_heads
from tests.core.toy import toy_model

PROMPT = list(b"the cat in the hat")


def toy_heads(count: int = 3, seed: int = 3, sharpness: float = 24.0):
    """Random heads behind a toy model, in float64."""
    model = toy_model(sharpness=sharpness)
    heads = new_heads(model, count)
    noise = torch.Generator().manual_seed(seed)
    heads.layers.to(torch.float64)
    for weight in heads.layers.parameters():
        weight.data = torch.randn(weight.shape, generator=noise, dtype=torch.float64) * 0.5
    return model, heads


def hidden_rows(model, token_ids) -> torch.Tensor:
    with torch.no_grad():
        return model.model(torch.tensor([token_ids])).last_hidden_state[0]


@torch.no_grad()
def drafts_anew(model, heads: Heads, token_ids: list[int]) -> list[int]:
    """Each head over the whole sequence, without any cache."""
    rows, drafted = hidden_rows(model, token_ids[:-1])[None], []
    for head in range(heads.count):
        read = torch.tensor([[*token_ids, *drafted][head + 1 :]])
        rows = heads.run(head, rows, read, 0, None)
        drafted.append(int(heads.tokens(heads.logits(rows[0, -1]).argmax())))
    return drafted


def ids(drafts) -> list[int]:
    return [one.token_id for one in drafts]


@pytest.mark.parametrize("vocabulary", [None, 40])
def test_drafts_are_those_without_a_cache_whatever_was_accepted(vocabulary) -> None:
    model, heads = toy_heads()
    heads.use_draft_ids(torch.arange(60, 60 + vocabulary) if vocabulary else None)
    chain = HeadChain(heads)
    sequence = [*PROMPT, 65]
    chain.extend(hidden_rows(model, PROMPT), sequence[1:])
    lot = random.Random(0)
    for _ in range(12):
        # Drafting fewer leaves heads behind, which must catch up.
        most = lot.randint(0, heads.count)
        assert ids(chain.draft(most, 0.0)) == drafts_anew(model, heads, sequence)[:most]
        new = [lot.randrange(250) for _ in range(lot.randint(1, 4))]
        rows = hidden_rows(model, sequence + new[:-1])[len(sequence) - 1 :]
        chain.extend(rows, new)
        sequence += new
    assert ids(chain.draft(3, 0.0)) == drafts_anew(model, heads, sequence)


@pytest.mark.parametrize("kept", [1, 2, 3, 9, 17, 18, 19, 30])
def test_a_prefix_is_kept_for_another_prompt(kept) -> None:
    model, heads = toy_heads()
    chain = HeadChain(heads)
    chain.extend(hidden_rows(model, PROMPT), [*PROMPT[1:], 65])
    chain.draft(2, 0.0)
    chain.keep(kept)
    kept = min(kept, len(PROMPT) + 1)
    other = [*PROMPT, 65][:kept] + list(b"another end")
    have = min(kept, len(PROMPT))
    chain.extend(hidden_rows(model, other)[have:], [*other, 66][chain.known :])
    assert ids(chain.draft(3, 0.0)) == drafts_anew(model, heads, [*other, 66])


def test_nothing_is_left_after_clear() -> None:
    model, heads = toy_heads()
    chain = HeadChain(heads)
    chain.extend(hidden_rows(model, PROMPT), [*PROMPT[1:], 65])
    chain.keep(0)
    assert chain.draft(3, 0.0) == []
    chain.extend(hidden_rows(model, [1, 2]), [2, 3])
    assert ids(chain.draft(3, 0.0)) == drafts_anew(model, heads, [1, 2, 3])


def test_drafting_ends_behind_a_token_of_little_confidence() -> None:
    def drafted(most: int, threshold: float):
        model, heads = toy_heads()
        chain = HeadChain(heads)
        chain.extend(hidden_rows(model, PROMPT), [*PROMPT[1:], 65])
        return chain.draft(most, threshold)

    whole = drafted(3, 0.0)
    assert len(whole) == 3
    least = min(one.confidence for one in whole)
    weak = [one.confidence for one in whole].index(least)
    assert drafted(3, least + 1e-6) == whole[:weak]
    assert drafted(0, 0.0) == []
    assert whole[0].confidence >= whole[0].alternatives[0][1]
    assert len(whole[0].alternatives) == 3


def test_rows_and_tokens_must_end_together() -> None:
    model, heads = toy_heads()
    with pytest.raises(ValueError, match="rows"):
        HeadChain(heads).extend(hidden_rows(model, PROMPT), PROMPT[1:])
