"""The training wizard: one file to a page, all over one draft."""

from __future__ import annotations
