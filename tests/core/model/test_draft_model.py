"""Draft models: the first layers share the model's weights; other tokens are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from core.errors import KnownError
from core.model.draft_model import first_layers, load_draft
from core.model.loading import Loaded
from tests.core.toy import save_toy, toy_model, toy_tokenizer


def loaded_toy() -> Loaded:
    return Loaded(toy_model(), toy_tokenizer(), None, torch.device("cpu"), torch.float64)


def test_the_first_layers_share_every_weight() -> None:
    model = toy_model()
    draft = first_layers(model, 1)
    own = {one.data_ptr() for one in draft.parameters()}
    assert own < {one.data_ptr() for one in model.parameters()}
    assert len(draft.get_decoder().layers) == draft.config.num_hidden_layers == 1
    assert len(model.get_decoder().layers) == model.config.num_hidden_layers == 2
    prompt = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        early = model(prompt, output_hidden_states=True).hidden_states[1]
        wanted = model.lm_head(model.model.norm(early))
        assert torch.equal(draft(prompt).logits, wanted)


def test_all_layers_are_the_model_itself() -> None:
    model, prompt = toy_model(), torch.tensor([[1, 2, 3]])
    assert torch.equal(first_layers(model, 9)(prompt).logits, model(prompt).logits)


def test_configs_that_name_the_kind_of_each_layer_are_cut_too() -> None:
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2, "head_dim": 16}
    model = Qwen3ForCausalLM(
        Qwen3Config(vocab_size=64, num_hidden_layers=4, num_key_value_heads=2, **sizes)
    ).eval()
    draft = first_layers(model, 2)
    assert len(draft.config.layer_types) == 2
    assert len(model.config.layer_types) == 4
    assert draft(torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, 64)


def test_a_draft_model_comes_from_a_folder(tmp_path: Path) -> None:
    draft = load_draft(save_toy(tmp_path / "small", seed=3), loaded_toy())
    assert draft.dtype == torch.float64


def test_other_tokens_are_refused(tmp_path: Path) -> None:
    other = loaded_toy()
    other.tokenizer.add_tokens(["one more"])
    with pytest.raises(KnownError, match="its tokens are others"):
        load_draft(save_toy(tmp_path / "small"), other)


def test_a_vocabulary_of_another_size_is_refused(tmp_path: Path) -> None:
    other = loaded_toy()
    other.model.config.vocab_size += 64
    with pytest.raises(KnownError, match="its tokens are others"):
        load_draft(save_toy(tmp_path / "small"), other)
