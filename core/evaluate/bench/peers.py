"""Peers: transformers' own ways of decoding, measured on the weights of a session.

All of them are calls of `generate`, greedy and with transformers' own defaults, on the layers as
transformers made them, but for near ties of half precision, which are decided as in our own ways
(`core/model/output.py`): else their answers could not be held against ours. What is proposed there
stays provisional until the model has checked it, so that every one of them is exact.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.control import Cancel
from core.engine.detokenize import Detokenizer
from core.engine.prompt import render
from core.engine.request import Message
from core.errors import KnownError
from core.evaluate.measure import PEERS, Measured, Peer, without_gates

if TYPE_CHECKING:
    from core.engine.session import Session
    from core.model.heads import Heads
    from core.model.loading import Loaded

LOOKED_UP_TOKENS = 10
"""Proposed by a match in the prompt: what transformers' documentation uses."""


def possible_peers(session: Session) -> tuple[Peer, ...]:
    """The peers that what is loaded allows."""
    has_heads = session.loaded.heads is not None
    return tuple(one for one in PEERS if has_heads or one != "transformers_mtp")


def with_heads(session: Session, folder: Path) -> Session:
    """The session with the heads of another adapter, which fits its model, behind that model.

    So that ways with mask rows and with heads take turns on the same weights.

    Raises:
        KnownError: if the adapter holds no heads, or the loaded one has changed the weights.
    """
    from core.model.adapter_info import read_adapter_info
    from core.model.heads import load_heads

    loaded, info = session.loaded, read_adapter_info(folder)
    if info.kind != "heads" or info.joint:
        raise KnownError(
            f"The adapter {folder.name} has no heads behind the base model as it is.",
            "Name one of the kind heads that was not trained jointly.",
        )
    if loaded.is_changed:
        raise KnownError(
            "The loaded adapter has changed the model's weights, behind which heads do not fit.",
            "Choose a gated one, or none.",
        )
    with without_gates(loaded):
        loaded.heads = load_heads(loaded.model, folder, info)
    return session.twin()


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
        model, clock = loaded.model, _Clock(cancel)
        with self._set_up(peer) as options, clock.counting(model):
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

    @contextmanager
    def _set_up(self, peer: Peer) -> Iterator[dict[str, Any]]:
        """Inside, the options that it gives make `generate` this peer."""
        loaded = self._session.loaded
        if peer == "transformers_mtp":
            assert loaded.heads is not None
            with generate_heads(loaded.model, loaded.heads) as mtp, plain_layers(loaded, mtp):
                yield {"use_mtp": True}
        elif peer == "transformers_assisted":
            with plain_layers(loaded, self._draft):
                yield {"assistant_model": self._draft}
        else:
            with plain_layers(loaded):
                looks_up = peer == "transformers_prompt_lookup"
                yield {"prompt_lookup_num_tokens": LOOKED_UP_TOKENS} if looks_up else {}

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
def generate_heads(model: Any, heads: Heads) -> Iterator[Any]:
    """Inside, `generate(use_mtp=True)` of a model drafts with these heads, which it gives.

    Transformers would read heads from the model's checkpoint at every call, and those of an
    adapter do not lie there. They are its own modules, though, so it gets them as they are; but
    it knows of no reduced vocabulary.
    """
    from transformers.modeling_layers import MtpModel

    from core.model.heads import config_for_heads

    before = MtpModel.__dict__["from_pretrained"]
    with heads.whole_vocabulary() as mtp, config_for_heads(model, heads.count):
        MtpModel.from_pretrained = staticmethod(lambda *_, **__: mtp)  # type: ignore[method-assign]
        try:
            yield mtp
        finally:
            MtpModel.from_pretrained = before  # type: ignore[method-assign]


@contextmanager
def plain_layers(loaded: Loaded, drafting: Any = None) -> Iterator[None]:
    """Inside, the linear layers of the model, and of what drafts for it, are transformers' own.

    Neither the gate of an adapter nor our own layers may cost `generate` anything; only near ties
    of the output matrix are decided as ever, a hundredth of a pass.
    """
    from torch import nn

    from core.model.linear import RowsLinear

    with without_gates(loaded):
        models = [loaded.model, *([] if drafting is None else [drafting])]
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
