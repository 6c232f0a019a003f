"""What the user can choose, saved at once."""

from __future__ import annotations
