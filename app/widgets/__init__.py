"""Widgets that more than one page uses."""

from __future__ import annotations
