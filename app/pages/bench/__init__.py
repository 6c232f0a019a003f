"""Benchmark: many prompts at several thresholds, speed against quality."""

from __future__ import annotations
