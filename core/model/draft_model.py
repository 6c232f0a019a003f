"""Small models that propose tokens for a large one to check (assisted generation)."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.errors import KnownError
from core.model.loading import Loaded, load_base, load_tokenizer

LAYERS = 2


def first_layers(model: Any, count: int = LAYERS) -> Any:
    """The first layers of a model as a model of its own, untrained: all weights are shared.

    Args:
        model: A causal language model.
        count: How many layers, or all where it has no more.
    """
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = min(count, config.num_hidden_layers)
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:count]
    with torch.device("meta"):
        draft = type(model)(config)
    for name, child in model.get_decoder().named_children():
        part = child[:count] if isinstance(child, nn.ModuleList) else child
        setattr(draft.get_decoder(), name, part)
    draft.set_output_embeddings(model.get_output_embeddings())
    draft.generation_config = copy.deepcopy(model.generation_config)
    return draft.eval()


def load_draft(folder: Path, loaded: Loaded) -> Any:
    """The model of a folder, to propose tokens for a loaded one.

    Raises:
        KnownError: if it cannot be loaded, or writes other tokens.
    """
    if load_tokenizer(folder).get_vocab() != loaded.tokenizer.get_vocab():
        raise _other_tokens(folder)
    draft, _ = load_base(folder, loaded.device, loaded.dtype)
    if draft.config.vocab_size != loaded.model.config.vocab_size:
        raise _other_tokens(folder)
    return draft


def _other_tokens(folder: Path) -> KnownError:
    return KnownError(
        f"{folder.name} cannot draft for this model: its tokens are others.",
        "Choose a smaller model of the same family, with the same tokenizer.",
    )
