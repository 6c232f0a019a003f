"""Everything that was decoded or trained, to be found and opened again."""

from __future__ import annotations
