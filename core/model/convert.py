"""Turns a GGUF file into a plain safetensors folder: `python -m core.model.convert GGUF FOLDER`.

A process of its own, so that the memory of two copies of the weights comes back at once. Each
line on stdout is one of `STEPS` done.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

STEPS = ("tokenizer read", "weights read", "weights saved", "tokenizer saved")


def convert(gguf: Path, out: Path) -> None:
    """Write weights (bfloat16, the model's own type), configuration and tokenizer to `out`.

    `save_pretrained` refuses a model read from GGUF, so a plain one of the same class takes
    its weights over.

    Raises:
        ValueError: if the result would not be used as the original model is.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    _check_tokenizer(tokenizer)
    _report(STEPS[0])
    read = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    _report(STEPS[1])
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.dtype = torch.bfloat16
    plain: Any = type(read)(config)
    plain.to(torch.bfloat16)
    plain.load_state_dict(read.state_dict())
    if plain.generation_config.eos_token_id != tokenizer.eos_token_id:
        raise ValueError("model and tokenizer name different end tokens")
    plain.save_pretrained(out)
    _report(STEPS[2])
    tokenizer.save_pretrained(out)
    _report(STEPS[3])


def _report(step: str) -> None:
    sys.stdout.write(step + "\n")
    sys.stdout.flush()


def _check_tokenizer(tokenizer: Any) -> None:
    """GGUF names `<|im_start|>` as the first token: the template writes it, nobody else may."""
    if not tokenizer.chat_template:
        raise ValueError("the file holds no chat template")
    ids = tokenizer("Hello").input_ids
    if ids[:1] == [tokenizer.bos_token_id]:
        raise ValueError("the tokenizer adds a first token of its own")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
