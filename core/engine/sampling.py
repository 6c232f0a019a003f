"""Drawing slot 1, and checking proposals, with temperature and top-p; proposals are argmax."""

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
        return self._drawn(self._probabilities(logits))

    @torch.inference_mode()
    def check(self, logits: Tensor, proposed: int) -> int:
        """The proposed token, or another in its place; either way drawn from these logits.

        A proposal made without chance is kept with its own probability; else one of the others is
        drawn (speculative sampling, 2211.17192, where the proposing distribution is certain).
        """
        probabilities = self._probabilities(logits)
        if float(torch.rand((), generator=self._generator)) < float(probabilities[proposed]):
            return proposed
        probabilities[proposed] = 0.0
        # Where it alone was possible, only rounding can have refused it.
        return self._drawn(probabilities) if bool(probabilities.any()) else proposed

    def _probabilities(self, logits: Tensor) -> Tensor:
        """[vocabulary] on the CPU, temperature and top-p applied."""
        # Scaled from their maximum: a tiny temperature must not turn them into infinities.
        scaled = (logits.cpu() - logits.max().cpu()).double() / self._temperature
        probabilities, ids = scaled.softmax(dim=-1).sort(descending=True, stable=True)
        before = probabilities.cumsum(dim=-1) - probabilities
        probabilities = probabilities.masked_fill(before >= self._top_p, 0.0)
        return torch.zeros_like(probabilities).scatter(0, ids, probabilities)

    def _drawn(self, weights: Tensor) -> int:
        return int(torch.multinomial(weights, 1, generator=self._generator))
