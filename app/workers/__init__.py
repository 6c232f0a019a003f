"""Threads behind the window: the engine's long-lived one and one-shot pool jobs."""

from __future__ import annotations
