"""Peers: transformers' own ways of decoding, measured on the weights of a session.

All of them are calls of `generate`, greedy and with transformers' own defaults, on the layers as
transformers made them. What is proposed there stays provisional until the model has checked it,
so that every one of them is exact.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.control import Cancel
from core.engine.detokenize import Detokenizer
from core.engine.prompt import render
from core.engine.request import Message
from core.evaluate.measure import PEERS, Measured, Peer, without_gates

if TYPE_CHECKING:
    from core.engine.session import Session
    from core.model.loading import Loaded

LOOKED_UP_TOKENS = 10
"""Proposed by a match in the prompt: what transformers' documentation uses."""


def possible_peers(session: Session) -> tuple[Peer, ...]:
    """The peers that what is loaded allows."""
    has_heads = mtp_model(session.loaded) is not None
    return tuple(one for one in PEERS if has_heads or one != "transformers_mtp")


def mtp_model(loaded: Loaded) -> Any:
    """The model on which `generate(use_mtp=True)` finds heads; None where there are none.

    That is a model whose checkpoint ships heads and whose class knows their names. Heads of an
    adapter belong here as soon as they can be loaded.
    """
    model = loaded.model
    count = getattr(model.config.get_text_config(), "num_mtp_layers", None)
    return model if count and model._keys_to_ignore_on_load_unexpected else None  # noqa: SLF001


class Peers:
    """The peers of a session.

    Args:
        session: The loaded model.
        draft: The model that proposes in assisted generation; None is the first layers of the
            session's own.
    """

    def __init__(self, session: Session, draft: Any = None) -> None:
        self._session, self._given = session, draft

    def answer(
        self, peer: Peer, messages: tuple[Message, ...], max_new_tokens: int, cancel: Cancel
    ) -> Measured:
        """Let transformers answer greedily.

        Raises:
            Cancelled: if a stop was asked for.
        """
        import torch

        session, loaded = self._session, self._session.loaded
        model, options = self._set_up(peer)
        clock = _Clock(cancel)
        with plain_layers(loaded, options.get("assistant_model")), clock.counting(model):
            began = time.perf_counter()
            _, prompt_ids = render(loaded.tokenizer, messages)
            inputs = torch.tensor([prompt_ids], device=loaded.device)
            room = session.info.context_length - len(prompt_ids)
            out = model.generate(
                inputs,
                attention_mask=torch.ones_like(inputs),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                repetition_penalty=1.0,
                max_new_tokens=min(max_new_tokens, room),
                eos_token_id=sorted(session.end_ids),
                pad_token_id=min(session.end_ids, default=0),
                streamer=clock,
                **options,
            )
            token_ids = tuple(out[0, len(prompt_ids) :].tolist())
            text = loaded.tokenizer.decode(
                token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            seconds = time.perf_counter() - began
        blocks = _blocks(loaded.tokenizer, token_ids, clock.sizes)
        return clock.measured(text, token_ids, blocks, began, seconds)

    def _set_up(self, peer: Peer) -> tuple[Any, dict[str, Any]]:
        """The model that answers, and the options of `generate` that make it this peer."""
        model = self._session.loaded.model
        match peer:
            case "transformers_generate":
                return model, {}
            case "transformers_prompt_lookup":
                return model, {"prompt_lookup_num_tokens": LOOKED_UP_TOKENS}
            case "transformers_assisted":
                return model, {"assistant_model": self._draft}
            case "transformers_mtp":
                return mtp_model(self._session.loaded), {"use_mtp": True}

    @cached_property
    def _draft(self) -> Any:
        from core.model.draft_model import first_layers

        return self._given or first_layers(self._session.loaded.model)


class _Clock:
    """A streamer that notes what each pass of the model read and gave, and when.

    `generate` hands it the prompt first, then the tokens of each pass, already on the CPU: a GPU
    has been waited for.
    """

    def __init__(self, cancel: Cancel) -> None:
        self._cancel = cancel
        self._times: list[float] = []
        self._given: list[int] = []
        self._widths: list[int] = []

    def put(self, value: Any) -> None:
        """Note the time of some tokens."""
        self._cancel.check()
        self._times.append(time.perf_counter())
        self._given.append(value.numel())

    def end(self) -> None:
        """Nothing is left to do."""

    @contextmanager
    def counting(self, model: Any) -> Iterator[None]:
        """Inside, every forward call of the model is a pass; a draft model's own are none."""

        def note(_model: Any, _args: Any, given: dict[str, Any]) -> None:
            self._widths.append(given["input_ids"].shape[-1])

        hook = model.register_forward_pre_hook(note, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()

    @property
    def sizes(self) -> tuple[int, ...]:
        """The tokens that each pass gave."""
        return tuple(self._given[1:])

    def measured(
        self,
        text: str,
        token_ids: tuple[int, ...],
        blocks: tuple[str, ...],
        began: float,
        seconds: float,
    ) -> Measured:
        """What it all took. Every row of a pass but one, or but the prompt, was a proposal."""
        (_, first, *_), last = self._times, self._times[-1]
        passes = len(self._widths)
        return Measured(
            text=text,
            token_ids=token_ids,
            passes=passes,
            k_max=max(self.sizes),
            later_tokens=len(token_ids) - self.sizes[0],
            prefill_seconds=first - began,
            decode_seconds=last - first,
            seconds=seconds,
            blocks=blocks,
            sizes=self.sizes,
            provisional=sum(self._widths) - self._given[0] - (passes - 1),
            confirmed=len(token_ids) - passes,
        )


def _blocks(tokenizer: Any, token_ids: Sequence[int], sizes: Sequence[int]) -> tuple[str, ...]:
    """The text that each pass added."""
    detokenizer, left = Detokenizer(tokenizer), iter(token_ids)
    return tuple("".join(map(detokenizer.feed, islice(left, size))) for size in sizes)


@contextmanager
def plain_layers(loaded: Loaded, draft: Any = None) -> Iterator[None]:
    """Inside, the linear layers of the model, and of a draft model, are transformers' own.

    Neither the gate of an adapter nor our own layers may cost `generate` anything.
    """
    from torch import nn

    from core.model.linear import RowsLinear

    with without_gates(loaded):
        models = [loaded.model, *([] if draft is None else [draft])]
        quicker: set[nn.Linear] = {
            one for model in models for one in model.modules() if type(one) is RowsLinear
        }
        for linear in quicker:
            linear.__class__ = nn.Linear
        try:
            yield
        finally:
            for linear in quicker:
                linear.__class__ = RowsLinear
