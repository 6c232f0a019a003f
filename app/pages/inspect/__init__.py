"""Inspector: a recorded answer, pass by pass."""

from __future__ import annotations
