"""Linear layers on the CPU: the same products as torch's, computed the quicker way.

Two costs of torch's own layer that decoding several tokens a pass would pay at every pass,
measured on two cores with the starter:

* Rows that are a slice of a batch (the last rows, for their logits) are no plain matrix to
  torch; in bfloat16 it then copies the whole weight first: 110 ms for the output matrix alone,
  in a pass of 65 ms. One matrix of rows avoids it.
* In float32 MKL packs the weights anew for every product of four rows and more. With the
  weights as the left factor it packs the few rows instead: the layers alone take 72 instead of
  87 ms for 8 rows, 66 instead of 135 ms for 16. One-row passes and long prompts keep the usual
  order, and with it the exact results of `model.generate`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

FEWEST_ROWS = 4
MOST_ROWS = 32


class RowsLinear(nn.Linear):
    """A linear layer that takes its input as one matrix of rows."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the name torch gives it)
        """Output [..., rows, out_features] of input [..., rows, in_features]."""
        rows = input.reshape(-1, self.in_features)
        out = self._turned(rows) if self._is_narrow(rows) else super().forward(rows)
        return out.view(*input.shape[:-1], self.out_features)

    def _is_narrow(self, rows: Tensor) -> bool:
        return (
            FEWEST_ROWS <= rows.shape[0] <= MOST_ROWS
            and rows.dtype == torch.float32
            and self._parameters["bias"] is None
            and torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
        )

    def _turned(self, rows: Tensor) -> Tensor:
        return torch.mm(self.weight, rows.t()).t().contiguous()


def use_rows_linear(model: Any) -> None:
    """Make the linear layers of a model on the CPU quicker ones.

    Only the class of each layer changes (as torch's own parametrisation does it): weights,
    names and everything that refers to a layer stay.
    """
    if model.get_input_embeddings().weight.device.type != "cpu":
        return
    for layer in model.modules():
        if type(layer) is nn.Linear:
            layer.__class__ = RowsLinear
