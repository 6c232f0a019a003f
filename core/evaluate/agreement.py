"""Agreement: the share of emitted tokens that the base model would have emitted there too.

One teacher-forced pass of the base model over prompt and answer says, after every emitted
prefix, which token is its argmax (in float32). Under a gated adapter the loaded model is the
base model as long as no gate is opened; a full adapter has changed the weights, so there the
base model is another model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from core.engine.prompt import render
from core.engine.request import Message
from core.engine.session import Session
from core.evaluate.bench.judged import BaseView
from core.model.loading import load_base


@torch.inference_mode()
def base_view(
    model: Any, prompt_ids: Sequence[int], answer_ids: Sequence[int], device: torch.device
) -> BaseView:
    """Look at an answer through the base model, in one teacher-forced pass."""
    if not answer_ids:
        return BaseView(0, 0.0)
    token_ids = torch.tensor([[*prompt_ids, *answer_ids]], device=device)
    # The last row would predict what follows the answer: it is left out of the input.
    kept = len(answer_ids)
    logits = model(input_ids=token_ids[:, :-1], use_cache=False, logits_to_keep=kept).logits[0]
    logits = logits.float()
    wanted = token_ids[0, -kept:]
    likelihood = torch.log_softmax(logits, -1).gather(-1, wanted[:, None]).mean()
    return BaseView(int((logits.argmax(-1) == wanted).sum()), float(likelihood))


def agreement(
    model: Any, prompt_ids: Sequence[int], answer_ids: Sequence[int], device: torch.device
) -> float:
    """Agreement of one answer; an empty answer agrees."""
    if not answer_ids:
        return 1.0
    return base_view(model, prompt_ids, answer_ids, device).agreed / len(answer_ids)


def answer_agreement(
    session: Session, base_model: Any, messages: tuple[Message, ...], answer_ids: Sequence[int]
) -> float:
    """Agreement of an answer that a session gave to a chat."""
    _, prompt_ids = render(session.loaded.tokenizer, messages)
    return agreement(base_model, prompt_ids, answer_ids, session.loaded.device)


def base_model_of(session: Session) -> Any:
    """The base model of a session: the loaded one, or where its weights changed one beside it.

    Raises:
        KnownError: if it cannot be loaded.
    """
    loaded = session.loaded
    if not loaded.is_changed:
        return loaded.model
    return load_base(Path(session.info.model_path), loaded.device, loaded.dtype)[0]
