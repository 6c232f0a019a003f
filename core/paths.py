"""Where Stride keeps its files; all of it moves with the variable STRIDE_HOME."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The folders of one user; none is created before something is written to it."""

    config: Path
    data: Path
    state: Path
    cache: Path

    @property
    def settings_file(self) -> Path:
        """The readable settings."""
        return self.config / "settings.toml"

    @property
    def database(self) -> Path:
        """The history."""
        return self.data / "stride.db"

    @property
    def models(self) -> Path:
        """Models that Stride itself fetched or converted, one folder each."""
        return self.data / "models"

    @property
    def adapters(self) -> Path:
        """Adapters trained here, one folder each."""
        return self.data / "adapters"

    @property
    def runs(self) -> Path:
        """Training runs, one folder each."""
        return self.data / "runs"

    @property
    def benches(self) -> Path:
        """Benchmarks made in the window, one file each."""
        return self.data / "benches"

    @property
    def answers(self) -> Path:
        """What models wrote for trainings, one file a model; written again where it is missing."""
        return self.cache / "answers"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.state / "log"


def user_paths() -> Paths:
    """The folders for this user, from STRIDE_HOME or the platform's own places.

    A GPU server may lack platformdirs: there everything lies under `~/.stride`.
    """
    home = os.environ.get("STRIDE_HOME")
    if home:
        return _under(Path(home).expanduser().absolute())
    if importlib.util.find_spec("platformdirs") is None:
        return _under(Path.home() / ".stride")
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("Stride", appauthor=False)
    return Paths(
        dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path
    )


def _under(root: Path) -> Paths:
    return Paths(root / "config", root / "data", root / "state", root / "cache")


def nearest_existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def free_disk_bytes(folder: Path) -> int:
    """Free space on the disk where a folder is or would be."""
    return shutil.disk_usage(nearest_existing(folder)).free


def resources() -> Path:
    """The folder of data files shipped with Stride."""
    return Path(__file__).resolve().parent.parent / "resources"
