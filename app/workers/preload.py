"""Brings torch's libraries into the process without holding the interpreter still.

`import torch` maps and relocates some hundred megabytes of libraries under Python's global lock,
which freezes the window for most of a second on a small machine. A foreign call gives the lock
away while it runs: once `dlopen` has done the work through one, the import finds it done.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import threading
from pathlib import Path

_IMPORTING = threading.Lock()


def import_models() -> None:
    """Import what loads models and tokenizers; call it first in every thread that does so.

    A second thread would find transformers half imported, and classes missing in it.
    """
    with _IMPORTING:
        preload_torch()
        import core.engine.session  # noqa: F401


def preload_torch() -> None:
    """Load torch's libraries, where this platform needs the help; torch is not imported.

    Fails silently: the import that follows says better than this could what is wrong.
    """
    spec = importlib.util.find_spec("torch")
    if sys.platform != "linux" or "torch" in sys.modules or spec is None or spec.origin is None:
        return
    library = Path(spec.origin).parent / "lib" / "libtorch.so"
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype = ctypes.c_void_p
    dlopen.argtypes = [ctypes.c_char_p, ctypes.c_int]
    dlopen(os.fsencode(library), os.RTLD_NOW | os.RTLD_LOCAL)
