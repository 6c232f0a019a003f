"""Makes `.venv` and installs the project into it; nothing to do when both are up to date.

Standard library only: it runs on the system's own Python, before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "stride-setup"
LEAST_PYTHON = (3, 11)


def main() -> int:
    """Bring the installation up to date; returns the exit code."""
    if sys.version_info < LEAST_PYTHON:
        return fail(
            f"Stride needs Python 3.11 or later, and this is {sys.version.split()[0]}. "
            "Name a newer one: make setup PYTHON=python3.12"
        )
    provide_qt_packages()
    if is_up_to_date():
        return 0
    if not has_pip(venv_python()):
        make_venv()
    if not has_pip(venv_python()):
        return fail(
            "Python cannot make a virtual environment here. "
            "On Debian and Ubuntu: sudo apt-get install -y python3-venv"
        )
    print("Installing Stride into .venv (torch is large, this takes a while) ...", flush=True)
    command = [venv_python(), "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[test]"]
    if subprocess.run(command, check=False).returncode:
        return fail("The installation failed; pip's own words stand above.")
    STAMP.write_text(wanted_stamp(), encoding="utf-8")
    return 0


def fail(sentence: str) -> int:
    """Print why it does not go on."""
    print(sentence, file=sys.stderr)
    return 1


def venv_python() -> str:
    """The environment's own Python."""
    return str(VENV / "bin" / "python")


def wanted_stamp() -> str:
    """What the installation depends on: the project file and where it lies."""
    project = (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(project + str(ROOT).encode()).hexdigest()


def is_up_to_date() -> bool:
    """Whether the environment holds what the project file asks for."""
    try:
        return STAMP.read_text(encoding="utf-8") == wanted_stamp() and Path(venv_python()).exists()
    except OSError:
        return False


def has_pip(python: str) -> bool:
    """Whether a Python is there and knows pip; a broken-off `.venv` does not."""
    try:
        done = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def make_venv() -> None:
    """A fresh environment; as root on Debian what is missing for it is installed."""
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    made = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not made and may_install():
        apt_install("python3-venv")
        subprocess.run(command, check=False)


def provide_qt_packages() -> None:
    """Make sure of Qt's system libraries, or print the command that does."""
    sys.path.insert(0, str(ROOT))
    from core.system import install_command, missing_qt_packages

    missing = missing_qt_packages()
    if missing and may_install():
        apt_install(*missing)
        missing = missing_qt_packages()
    if missing:
        print(
            "Qt lacks system libraries or fonts here, so no window can open. On Debian and "
            f"Ubuntu: {install_command(missing)}",
            file=sys.stderr,
        )


def may_install() -> bool:
    """Whether this is root on a Debian or Ubuntu."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> None:
    """Install Debian packages without a question."""
    print("Installing system packages:", *packages, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends"]):
        names = packages if arguments[0] == "install" else ()
        subprocess.run(["apt-get", *arguments, *names], env=environment, check=False)


if __name__ == "__main__":
    sys.exit(main())
