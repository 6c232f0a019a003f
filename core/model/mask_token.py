"""The mask token of fully trained models: found by its string, or put into a free slot.

Source: 2602.06019, "Implementation"; a random row drawn around the mean of the others.
"""

from __future__ import annotations

from typing import Any

import torch

from core.errors import KnownError
from core.model.output import prepare_layers

MASK_TOKEN = "<|mtp_mask|>"


def find_mask_token(tokenizer: Any, mask_token: str) -> int:
    """The id of a mask token.

    Raises:
        KnownError: if the tokenizer does not know it.
    """
    token_id = tokenizer.get_vocab().get(mask_token)
    if token_id is None:
        raise KnownError(
            f"The tokenizer does not know the mask token {mask_token}.",
            "The adapter folder is incomplete; fetch or train it again.",
        )
    return int(token_id)


def add_mask_token(model: Any, tokenizer: Any) -> int:
    """Give the vocabulary a mask token and return its id.

    An unused row at the end of the embedding matrix is taken where there is one, else a row
    is appended. The row is drawn around the mean of the others, for input and output alike.
    """
    wanted = {"extra_special_tokens": [MASK_TOKEN]}
    tokenizer.add_special_tokens(wanted, replace_extra_special_tokens=False)
    mask_id = find_mask_token(tokenizer, MASK_TOKEN)
    if mask_id >= model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(mask_id + 1, mean_resizing=False)
        prepare_layers(model)  # its output matrix is a new one
    matrices = {
        id(weight): weight
        for layer in (model.get_input_embeddings(), model.get_output_embeddings())
        for weight in (layer.weight,)
    }
    with torch.no_grad():
        for weight in matrices.values():
            others = weight[:mask_id].float()
            noise = torch.randn(others.shape[1]).to(others.device)  # one seed, one row, anywhere
            drawn = others.mean(0) + others.std(0) * noise
            weight[mask_id] = drawn.to(weight.dtype)
    return mask_id
