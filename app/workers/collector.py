"""Keeps Python's collector of cycles from holding the window and the passes.

Now and then it looks through every object there is, and no thread runs meanwhile: some 400,000
objects once torch and a model are loaded, which takes 0.2 s. Nearly all of them stay until the
program ends, so they are taken out of its sight.
"""

from __future__ import annotations

import gc


def spare_what_is_there() -> None:
    """From now on look only through what is made later."""
    gc.freeze()


def spare_nothing() -> None:
    """Look through everything again, before something large is let go."""
    gc.unfreeze()
