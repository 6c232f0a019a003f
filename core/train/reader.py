"""Reads rows of tokens, and block rows behind them, through a causal model.

Shapes: B rows, L real positions, M block rows a row, G groups of keys, D their size, H hidden size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from torch import Tensor
from transformers import DynamicCache

from core.engine.cache import cache_argument
from core.errors import KnownError
from core.train.attention import quick_gradient
from core.train.layout import Layout

KeysValues = tuple[Tensor, Tensor]
"""Of a layer, each [B, G, L, D]."""


class Reader:
    """A causal model read in two parts: a shared prefix, then blocks behind it.

    Attributes:
        head: Turns the rows it gives into logits.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._argument = cache_argument(model.base_model)
        self._embed = model.get_input_embeddings()
        self.head = model.get_output_embeddings()

        if model.config._attn_implementation != "sdpa":  # noqa: SLF001  (it has no public name)
            raise KnownError(
                "This model's attention cannot be trained: masks of true and false need torch's "
                "scaled dot-product attention (sdpa).",
                "Choose another model.",
            )

    def prefix(self, token_ids: Tensor) -> tuple[list[KeysValues], Tensor]:
        """Keys and values of the prefix [B, L], and its last hidden rows [B, L, H]."""
        cache = DynamicCache()
        rows = self._run(self._embed(token_ids), cache)
        layers: list[Any] = cache.layers
        return [(one.keys, one.values) for one in layers], rows

    def block(self, inputs: Tensor, layers: Iterable[KeysValues], layout: Layout) -> Tensor:
        """Last hidden rows [B, M, H] of block rows, given as ids [B, M] or embeddings [B, M, H].

        Args:
            inputs: The rows.
            layers: Of the prefix; they stay as they are.
            layout: Where the rows stand.
        """
        embeddings = inputs if inputs.is_floating_point() else self._embed(inputs)
        # A fork over the same entries: student and teacher must not see each other's rows.
        forked = DynamicCache(ddp_cache_data=list(layers))
        rows = embeddings.to(self.head.weight.dtype)
        with quick_gradient(self._model, rows):
            return self._run(
                rows, forked, attention_mask=layout.allow, position_ids=layout.position
            )

    def _run(self, embeddings: Tensor, cache: DynamicCache, **how: Tensor) -> Tensor:
        given: dict[str, Any] = {self._argument: cache, **how}
        out = self._model.base_model(inputs_embeds=embeddings, use_cache=True, **given)
        return cast("Tensor", out.last_hidden_state)
