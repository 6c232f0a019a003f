"""The training process seen from outside: start, follow, stop."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.control import Cancel
from core.device import CPU, choose_device
from core.errors import KnownError
from core.events import TrainingEvent
from core.history.records import Source
from core.history.training import (
    EVENTS_FILE,
    PROCESS_FILE,
    SPEC_FILE,
    is_at_work,
    note_process,
    read_training,
)
from core.paths import Paths
from core.train import wishes
from core.train.follow import EventTail
from core.train.reporter import drop_torn_line
from core.train.spec import TrainSpec, read_spec, write_spec

LOG_FILE = "log.txt"
LAUNCH_FILE = "accelerate.yaml"
POLL_SECONDS = 0.2
KILL_AFTER = 5.0
"""Seconds: the running step and a checkpoint of most trainings are done by then."""
ENVIRONMENT = {
    # glibc gives every tensor back to the system and gets it again page by page: keeping the
    # memory, in huge pages, makes a step on two cores 40 % quicker (docs/benchmarks/recipe.md).
    # Those above 32 MB, the most it allows, do go back: kept, they leave gaps, and a full training
    # grew from 5 to 15 GB.
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Of the training process; what the user's own environment says goes before it."""
_NEW_PROCESS_GROUP, _NO_WINDOW = 0x200, 0x8000000
APART: dict[str, Any] = (
    {"creationflags": _NEW_PROCESS_GROUP | _NO_WINDOW}
    if os.name == "nt"
    else {"start_new_session": True}
)
"""What lets a process outlive the terminal and the window it was started from."""


def new_run(spec: TrainSpec, paths: Paths) -> Path:
    """Make the folder of a new run, its spec inside.

    Raises:
        KnownError: if the folder cannot be written, or the adapter's could not be in the end.
    """
    spec.check()
    _check_place(Path(spec.out))
    stamp = time.strftime("%Y%m%d-%H%M%S")
    run_dir = paths.runs / f"{stamp}-{os.getpid()}"
    try:
        run_dir.mkdir(parents=True)
        write_spec(run_dir / SPEC_FILE, spec)
    except OSError as error:
        raise KnownError(f"The run's folder {run_dir} cannot be written: {error}.") from error
    return run_dir


def _check_place(out: Path) -> None:
    """Say now, not after hours, that an adapter cannot be written to a folder."""
    try:
        place = next((one for one in (out, *out.parents) if one.exists()), Path(out.anchor))
        with tempfile.TemporaryDirectory(dir=place) as folder:
            # By their real names: the disk may find one too long.
            Path(folder, out.relative_to(place)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KnownError(
            f"No adapter can be written to {out}: {error.strerror or error}.",
            "Choose another folder.",
        ) from error


def find_run(name: str, paths: Paths) -> Path:
    """The folder of a run given by path or name.

    Raises:
        KnownError: if there is none.
    """
    for folder in (Path(name).expanduser(), paths.runs / name):
        if (folder / SPEC_FILE).is_file():
            return folder.absolute()
    raise KnownError(
        f"No files of a training run {name} are there.", "`stride runs clean` lists those that are."
    )


class TrainingProcess:
    """A started training; it lives on when this object or its process goes away.

    Raises:
        KnownError: if a process already works on this run.
    """

    def __init__(self, run_dir: Path, source: Source = "cli") -> None:
        # By its state, which counts a process on another host as at work until it has ended.
        if read_training(run_dir).state == "running":
            raise KnownError(
                f"The training {run_dir.name} is still running.", "Wait, or stop it first."
            )
        self._run_dir = run_dir
        wishes.forget(run_dir)
        events = run_dir / EVENTS_FILE
        drop_torn_line(events)  # before the size is read: the reader must not skip a byte
        self._tail = EventTail(run_dir, events.stat().st_size if events.is_file() else 0)
        try:
            with (run_dir / LOG_FILE).open("ab") as log:
                self._process = subprocess.Popen(
                    _command(run_dir),
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    cwd=Path(__file__).resolve().parent.parent.parent,
                    env=ENVIRONMENT | os.environ,
                    **APART,
                )
            note_process(run_dir, self._process.pid, source)
        except OSError as error:
            raise KnownError(f"The training {run_dir.name} cannot be started: {error}.") from error

    def events(self, stop: Cancel) -> Iterator[TrainingEvent]:
        """Events as they happen, until the process has ended; `stop` asks it to."""
        while True:
            running = self._process.poll() is None
            if stop.is_set:
                self.ask_to_stop()
            yield from self._tail.read()
            if not running:
                return
            time.sleep(POLL_SECONDS)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Let it end after the running step, with a checkpoint."""
        wishes.ask_to_stop(self._run_dir)

    def end(self) -> None:
        """Terminate it, then kill what is left; see `end_process`."""
        try:
            end_process(self._process.pid)
        finally:
            self._process.wait()

    def log_tail(self, lines: int = 12) -> str:
        """The end of what the process printed."""
        text = (self._run_dir / LOG_FILE).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def _command(run_dir: Path) -> list[str]:
    """The child itself, or the same under a launcher where there are several ranks."""
    spec = read_spec(run_dir / SPEC_FILE)
    child = ["-m", "core.train.child", str(run_dir)]
    if spec.processes == 1:
        return [sys.executable, *child]
    if choose_device(spec.device) == CPU:
        # Accelerate's launcher starts several processes on GPUs only.
        ranks = f"--nproc-per-node={spec.processes}"
        return [sys.executable, "-m", "torch.distributed.run", "--standalone", ranks, *child]
    config = run_dir / LAUNCH_FILE
    config.write_text(launch_config(spec), encoding="utf-8")
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
    return [*launcher, *child]


def launch_config(spec: TrainSpec) -> str:
    """What Accelerate's launcher is told, as YAML; `docs/cluster.md` says how several nodes do."""
    lines = (
        "compute_environment: LOCAL_MACHINE",
        "distributed_type: MULTI_GPU",
        "num_machines: 1",
        "machine_rank: 0",
        f"num_processes: {spec.processes}",
        "mixed_precision: 'no'",
        "main_process_port: 0",
    )
    return "\n".join(lines) + "\n"


def end_run(run_dir: Path) -> None:
    """The same for a run that another process started."""
    if is_at_work(run_dir):
        end_process(json.loads((run_dir / PROCESS_FILE).read_text(encoding="utf-8"))["pid"])


def end_process(pid: int) -> None:
    """For a wish that took too long: terminate, then kill the whole process tree.

    A checkpoint under way still has `KILL_AFTER` seconds; an interrupt here kills at once.
    """
    import psutil

    try:
        root = psutil.Process(pid)
        # Ranks under a launcher have sessions of their own: walk the tree, not the group.
        tree: list[Any] = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    try:
        root.terminate()
        root.wait(KILL_AFTER)
    except (psutil.TimeoutExpired, psutil.NoSuchProcess):
        pass
    finally:
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
