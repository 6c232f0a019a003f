"""Drawing slot 1 with temperature and top-p; all other slots are always argmax."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.engine.request import Request
from core.errors import KnownError


class Sampler:
    """Draws a token from a slot's logits; with temperature 0 there is nothing to draw.

    The draw is made on the CPU, so that a seed means the same on every device.

    Raises:
        KnownError: for a temperature below 0, a top-p outside 0..1, a seed over 64 bits.
    """

    def __init__(self, request: Request) -> None:
        if not 0 <= request.temperature < math.inf:
            raise KnownError(f"The temperature must be 0 or more, not {request.temperature}.")
        if abs(request.seed) >= 1 << 63:
            raise KnownError(
                f"The seed must be smaller than 2 to the power of 63, not {request.seed}."
            )
        if not 0 < request.top_p <= 1:
            raise KnownError(f"top-p must lie above 0 and at most at 1, not {request.top_p}.")
        self._temperature = request.temperature
        self._top_p = request.top_p
        self._generator = torch.Generator().manual_seed(request.seed)

    @property
    def is_greedy(self) -> bool:
        """Whether slot 1 is its argmax."""
        return self._temperature == 0

    @torch.inference_mode()
    def draw(self, logits: Tensor) -> int:
        """Draw a token id from logits [vocabulary] in float32."""
        # Scaled from their maximum: a tiny temperature must not turn them into infinities.
        scaled = (logits.cpu() - logits.max().cpu()).double() / self._temperature
        probabilities, ids = scaled.softmax(dim=-1).sort(descending=True, stable=True)
        before = probabilities.cumsum(dim=-1) - probabilities
        probabilities = probabilities.masked_fill(before >= self._top_p, 0.0)
        place = torch.multinomial(probabilities, 1, generator=self._generator)
        return int(ids[place])
