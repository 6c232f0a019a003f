"""The key-value cache of one session, and the tokens whose entries it holds.

Mask entries never stay: every forward call ends by cropping them. The last accepted block is
not in the cache either; the next pass computes it together with its own masks. Provisional tokens
that fall are dropped again.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer

from core.errors import KnownError
from core.model.adapters import MaskRows


def crop(cache: Any, drop: int) -> None:
    """Remove the last `drop` positions from a cache, or from one of its layers.

    Newer transformers take the count to remove as a negative number; older ones read a
    negative number in the same way, so this form serves both. 0 would mean "crop to nothing"
    to some of them.
    """
    if drop > 0:
        cache.crop(-drop)


def cache_argument(model: Any) -> str:
    """What a model's forward call names its cache: transformers 5.24 gave it another name."""
    names = inspect.signature(model.forward).parameters
    return "cache" if "cache" in names else "past_key_values"


def _can_be_cropped(layer: Any) -> bool:
    return isinstance(layer, DynamicLayer) and not layer.is_sliding


def common_prefix(left: list[int], right: list[int]) -> int:
    """Length of the longest common prefix."""
    length = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        length += 1
    return length


class TokenCache:
    """A model's forward call with a cache that remembers which tokens it holds.

    Attributes:
        hidden: [T, H] last hidden rows of the tokens of the latest pass, where they are kept.

    Raises:
        KnownError: for a model whose cache cannot be cropped (sliding windows, linear
            attention): mask entries could not be taken out again.
    """

    def __init__(
        self,
        model: Any,
        masks: MaskRows | None,
        device: torch.device,
        *,
        keeps_hidden: bool = False,
    ) -> None:
        self._model = model
        self._argument = cache_argument(model)
        self._masks = masks
        self._device = device
        self._keeps_hidden = keeps_hidden
        self.hidden: Tensor | None = None
        self.clear()
        if not all(_can_be_cropped(layer) for layer in self._cache.layers):
            raise KnownError(
                "This model uses sliding-window or linear attention, whose cache cannot be "
                "cropped.",
                "Choose a model with full attention in every layer.",
            )

    def clear(self) -> None:
        """Forget everything."""
        self._cache = DynamicCache(config=self._model.config)
        self._tokens: list[int] = []

    def __len__(self) -> int:
        return len(self._tokens)

    def reuse(self, prompt_ids: list[int], most: int | None = None) -> int:
        """Keep what a prompt shares with the cached tokens, up to `most`; returns how many.

        The prompt's last token is never kept: its logits are needed.
        """
        kept = min(common_prefix(self._tokens, prompt_ids), len(prompt_ids) - 1)
        kept = kept if most is None else min(kept, most)
        self.drop(len(self._tokens) - kept)
        return kept

    def drop(self, count: int) -> None:
        """Forget the last `count` tokens."""
        crop(self._cache, count)
        del self._tokens[len(self._tokens) - count :]

    def forward(self, token_ids: list[int], masks: int, provisional: int = 0) -> Tensor:
        """Run tokens followed by mask rows; afterwards the tokens are in the cache.

        Returns:
            Logits [1 + provisional + masks, vocabulary] in float32 of the last final token, the
            provisional ones behind it, and the mask rows.
        """
        try:
            with self._watch_hidden(len(token_ids)):
                logits = self._run(token_ids, masks, 1 + provisional + masks)
        except BaseException:
            # Some layers may hold the new rows and others not.
            self.clear()
            raise
        self._tokens += token_ids
        return logits

    @contextmanager
    def _watch_hidden(self, tokens: int) -> Iterator[None]:
        """Inside, the rows that the model hands to its output matrix are kept, if so wished."""
        if not self._keeps_hidden:
            yield
            return

        def keep(_module: Any, _inputs: Any, out: Any) -> None:
            self.hidden = out.last_hidden_state[0, :tokens]

        watched = self._model.get_decoder().register_forward_hook(keep)
        try:
            yield
        finally:
            watched.remove()

    @torch.inference_mode()
    def _run(self, token_ids: list[int], masks: int, read: int) -> Tensor:
        ids = torch.tensor([token_ids], device=self._device)
        rows: dict[str, Any] = {
            self._argument: self._cache,
            "use_cache": True,
            "logits_to_keep": read,
        }
        if self._masks is None or masks == 0:
            logits = self._model(input_ids=ids, **rows).logits[0].float()
        else:
            with self._masks.gate(masks):
                inputs = self._masks.inputs(ids, masks)
                logits = self._model(inputs_embeds=inputs, **rows).logits[0].float()
            logits[-masks:] /= self._masks.temperatures[:masks, None]
            crop(self._cache, masks)
        if self._masks is not None and self._masks.mask_id is not None:
            logits[:, self._masks.mask_id] = float("-inf")
        return cast("Tensor", logits)
