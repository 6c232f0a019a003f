"""Where a new user begins."""

from __future__ import annotations
