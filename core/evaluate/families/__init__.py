"""Prompt families: one file a family, each a tuple of forms that draw a prompt and its check."""

from __future__ import annotations
