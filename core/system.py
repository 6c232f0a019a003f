"""What the operating system must bring so that a window opens. Standard library only.

The installation reads this before anything is installed, `stride doctor` afterwards.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
"""What Qt's libraries and its X11 plugin load, and the Debian package of each."""

_FONT_PACKAGE = "fonts-dejavu-core"
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")


def missing_qt_packages() -> tuple[str, ...]:
    """Debian packages of the libraries and fonts that Qt lacks here; empty but on Linux."""
    if not sys.platform.startswith("linux"):
        return ()
    missing = [package for name, package in QT_LIBRARIES.items() if not _loads(name)]
    return tuple(missing if _has_fonts() else [*missing, _FONT_PACKAGE])


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_fonts() -> bool:
    """Whether there is any font; Qt draws empty boxes without one."""
    folders = (Path(folder).expanduser() for folder in _FONT_FOLDERS)
    return any(
        next(folder.rglob(pattern), None) for folder in folders for pattern in ("*.ttf", "*.otf")
    )


def install_command(packages: Iterable[str]) -> str:
    """The command that installs packages on Debian and Ubuntu."""
    return "sudo apt-get install -y " + " ".join(packages)


def has_display() -> bool:
    """Whether a window can be shown: a desktop, or a platform of Qt's that needs none."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
