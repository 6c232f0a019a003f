"""A tiny random Llama with a byte-level tokenizer, built in code: real enough for every core test.

`toy_model()` and `toy_tokenizer()` go together; `save_toy(folder)` writes both as a model folder.
`ToyMasks` stands in for an adapter: random mask vectors, and a gate that does nothing.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

START, END = "<|im_start|>", "<|im_end|>"
END_ID = 257
CONTEXT = 256
MERGES = [("t", "h"), ("th", "e"), ("i", "n"), ("e", "r"), ("a", "n"), ("Ġ", "the"), ("in", "g")]
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a toy.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def toy_tokenizer() -> PreTrainedTokenizerFast:
    """256 bytes, two special tokens (ids 256 and 257), a few merges; chat template included."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: i for i, letter in enumerate(letters)}
    vocab |= {START: 256, END: END_ID}
    vocab |= {left + right: 258 + i for i, (left, right) in enumerate(MERGES)}
    core = Tokenizer(models.BPE(vocab=vocab, merges=MERGES))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(START, special=True), AddedToken(END, special=True)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=START, eos_token=END, pad_token=END
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def toy_model(
    seed: int = 0, dtype: torch.dtype = torch.float64, sharpness: float = 24.0
) -> LlamaForCausalLM:
    """Two random layers over the toy vocabulary, tied embeddings, context of `CONTEXT` tokens.

    Args:
        sharpness: Scale of the weights; a larger one makes the model surer of its tokens.
    """
    config = LlamaConfig(
        vocab_size=258 + len(MERGES),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.02 * sharpness,
        tie_word_embeddings=True,
        bos_token_id=256,
        eos_token_id=END_ID,
        pad_token_id=END_ID,
    )
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config).to(dtype).eval()
    torch.random.set_rng_state(state)
    return model


def save_toy(folder: Path, seed: int = 0, dtype: torch.dtype = torch.float32) -> Path:
    """Write toy model and tokenizer as a safetensors model folder; returns the folder."""
    toy_model(seed, dtype).save_pretrained(folder)
    toy_tokenizer().save_pretrained(folder)
    return folder


class ToyMasks:
    """Mask rows with one random vector a slot and no gate (see `core.model.adapters.MaskRows`)."""

    mask_id = None

    def __init__(
        self,
        model: LlamaForCausalLM,
        k_max: int = 8,
        slot1_is_base: bool = True,
        scale: float = 1.0,
        seed: int = 1,
    ) -> None:
        self.k_max = k_max
        self.slot1_is_base = slot1_is_base
        self._embed = model.get_input_embeddings()
        weight = self._embed.weight
        noise = torch.randn(k_max, weight.shape[1], generator=torch.Generator().manual_seed(seed))
        self._vectors = noise.to(weight) * scale
        self.temperatures = torch.ones(k_max - 1)

    def inputs(self, token_ids: Tensor, masks: int) -> Tensor:
        """Embeddings [1, T + masks, H]: the real rows, then the mask rows."""
        real = self._embed(token_ids)
        return torch.cat([real, self._vectors[None, :masks]], dim=1)

    def gate(self, masks: int) -> AbstractContextManager[None]:
        """Nothing to switch: the toy has no LoRA."""
        return contextlib.nullcontext()


def greedy(model: LlamaForCausalLM, prompt: list[int], count: int) -> list[int]:
    """The prompt and the model's own continuation of it."""
    ids = list(prompt)
    for _ in range(count):
        ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids
