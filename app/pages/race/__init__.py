"""Race: the same prompt decoded in two ways, each measured alone and shown together."""

from __future__ import annotations
