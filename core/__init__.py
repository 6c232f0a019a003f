"""Stride without a window: models, decoding, training, evaluation, history."""

from __future__ import annotations

__version__ = "0.1.0"
