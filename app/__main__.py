"""`python -m app` and `stride-gui`: looks whether a window can open at all, then opens it."""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from core.system import has_display, install_command, missing_qt_packages

NO_DISPLAY = (
    "Stride needs a display to open its window, and there is none here; "
    "`make demo` shows the same in a terminal."
)


def main() -> int:
    """Open the window; 1 with one sentence on stderr where that is not possible."""
    problem = "" if has_display() else NO_DISPLAY
    problem = problem or missing_library()
    if problem:
        sys.stderr.write(f"stride: {problem}\n")
        return 1
    from app.bootstrap import run

    return run(sys.argv)


def missing_library() -> str:
    """Which system library of Qt's is missing and how to install it, or nothing.

    Qt itself would end the process without a word to the user.
    """
    if find_spec("PySide6") is None:
        return "PySide6 is not installed; `make setup` installs it."
    try:
        import PySide6.QtWidgets

        if sys.platform == "linux" and _uses_x11():
            ctypes.CDLL(str(_x11_plugin(Path(PySide6.__file__).parent)))
    except (ImportError, OSError) as error:
        return (
            f"a system library that Qt needs is missing ({error}). "
            f"On Debian and Ubuntu: {install_command(missing_qt_packages())}"
        )
    return ""


def _uses_x11() -> bool:
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    return chosen == "xcb" or (not chosen and not os.environ.get("WAYLAND_DISPLAY"))


def _x11_plugin(package: Path) -> Path:
    return package / "Qt" / "plugins" / "platforms" / "libqxcb.so"


if __name__ == "__main__":
    sys.exit(main())
