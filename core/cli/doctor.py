"""`stride doctor`: what this machine brings, what is wrong with it, and the exact remedy.

Exit code 1 if something is wrong; what is merely absent (a display, a GPU, the starter) is noted.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.cli.output import print_json
from core.device import list_devices, nvidia_driver, torch_cuda_version
from core.errors import KnownError
from core.model import starter
from core.paths import Paths, free_disk_bytes, nearest_existing, user_paths
from core.system import has_display, install_command, missing_qt_packages

_LEAST_FREE_BYTES = 2 << 30
_CUDA_INDEX = {12: "cu126", 13: "cu130"}  # CUDA generation to torch's own package index
_TORCH = '"torch>=2.11,<2.14"'
_SIGNS = {"ok": "ok      ", "note": "note    ", "problem": "PROBLEM "}


@dataclass(frozen=True, slots=True)
class Check:
    """What one look has found; `fix` is the remedy, "" where none is needed."""

    name: str
    state: Literal["ok", "note", "problem"]
    text: str
    fix: str = ""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("doctor", help="what is wrong with this installation, and why")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print every check; returns 1 if one of them is a problem."""
    checks = examine(user_paths())
    healthy = all(check.state != "problem" for check in checks)
    if args.json:
        print_json({"ok": healthy, "checks": [dataclasses.asdict(check) for check in checks]})
        return 0 if healthy else 1
    for check in checks:
        print(f"{_SIGNS[check.state]}{check.name:12} {check.text}")
        if check.fix:
            print(f"{'':20} -> {check.fix}")
    return 0 if healthy else 1


def examine(paths: Paths) -> tuple[Check, ...]:
    """Look at everything; nothing is changed."""
    looks: tuple[Callable[[], Check], ...] = (
        _python,
        torch_build,
        _devices,
        _qt,
        _display,
        lambda: _folders(paths),
        lambda: _disk(paths),
        lambda: _database(paths),
        lambda: _starter(paths),
    )
    return tuple(look() for look in looks)


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()} ({sys.executable})")


def torch_build() -> Check:
    """Whether torch can use the GPU that is there."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        fix = f"{sys.executable} -m pip install {_TORCH}"
        return Check("torch", "problem", "torch is not installed.", fix)
    cuda, driver = torch_cuda_version(), nvidia_driver()
    text = f"{version}, " + (f"for CUDA {cuda}" if cuda else "for the CPU")
    if driver is None:
        return Check("torch", "ok", f"{text}; no NVIDIA driver")
    text += f"; NVIDIA driver {driver[0]} for CUDA {driver[1]}"
    if cuda and int(cuda.split(".")[0]) <= driver[1]:
        return Check("torch", "ok", text)
    why = "the driver is too old for this torch" if cuda else "this torch leaves the GPU unused"
    return Check("torch", "problem", f"{text}: {why}.", _torch_fix(driver[1]))


def _torch_fix(driver_cuda: int) -> str:
    """The command for the newest torch that a driver can run; such builds have their own index."""
    fitting = [index for cuda, index in sorted(_CUDA_INDEX.items()) if cuda <= driver_cuda]
    if not fitting:
        return "Update the NVIDIA driver: it must know CUDA 12 or later."
    index = f"https://download.pytorch.org/whl/{fitting[-1]}"
    return f"{sys.executable} -m pip install --force-reinstall {_TORCH} --index-url {index}"


def _devices() -> Check:
    shown = (
        f"{one.name}, {one.free_bytes / 1e9:.1f} of {one.total_bytes / 1e9:.1f} GB free"
        for one in list_devices()
    )
    return Check("devices", "ok", "; ".join(shown))


def _qt() -> Check:
    if importlib.util.find_spec("PySide6") is None:
        fix = f'{sys.executable} -m pip install "PySide6-Essentials>=6.8,<6.12"'
        return Check("qt", "note", "Qt is not installed: the command line works alone.", fix)
    version = importlib.metadata.version("PySide6-Essentials")
    if missing := missing_qt_packages():
        text = f"Qt {version} lacks system libraries or fonts."
        return Check("qt", "problem", text, install_command(missing))
    return Check("qt", "ok", f"Qt {version} with its system libraries")


def _display() -> Check:
    if has_display():
        return Check("display", "ok", "a window can be shown")
    fix = "`stride demo` shows the main job in the terminal."
    return Check("display", "note", "There is no display, so no window opens here.", fix)


def _folders(paths: Paths) -> Check:
    """Whether Stride may write where its data go."""
    text = f"settings {paths.config}, data {paths.data}, cache {paths.cache}"
    for folder in (paths.config, paths.data, paths.state, paths.cache):
        existing = nearest_existing(folder)
        if not existing.is_dir() or not _is_writable(existing):
            fix = f"Make {existing} a writable folder, or set STRIDE_HOME to another one."
            return Check("folders", "problem", f"{folder} cannot be written.", fix)
    return Check("folders", "ok", text)


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _disk(paths: Paths) -> Check:
    free = free_disk_bytes(paths.data)
    text = f"{free / 1e9:.1f} GB free for models, adapters and the history"
    if free >= _LEAST_FREE_BYTES:
        return Check("disk", "ok", text)
    fix = "Free some space, or set STRIDE_HOME to a folder on another disk."
    return Check("disk", "problem", f"only {text}", fix)


def _database(paths: Paths) -> Check:
    try:
        from core.history.opening import check
    except ImportError as error:
        text = f"{error.name} is not installed: answers are not kept in a history."
        return Check("history", "note", text, f"{sys.executable} -m pip install SQLAlchemy alembic")
    try:
        check(paths.database)
    except KnownError as error:
        return Check("history", "problem", error.sentence, error.next_step)
    state = "readable" if paths.database.exists() else "not begun yet"
    return Check("history", "ok", f"{paths.database}, {state}")


def _starter(paths: Paths) -> Check:
    folder = starter.starter_path(paths)
    if folder:
        return Check("starter", "ok", f"{starter.NAME} in {folder}")
    text = f"The starter model {starter.NAME} is not on this machine."
    return Check("starter", "note", text, "stride models fetch")
