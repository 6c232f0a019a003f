"""One package to a page; `page.py` is its door."""

from __future__ import annotations
