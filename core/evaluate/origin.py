"""Where a figure was measured: what every report says of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import __version__
from core.device import machine_record
from core.engine.request import SessionInfo
from core.model.store import inspect_folder


def session_record(info: SessionInfo) -> dict[str, Any]:
    """What every report says of where it was measured."""
    folder = Path(info.model_path)
    entry = inspect_folder(folder.name, folder, "folder")
    return {
        "stride": __version__,
        "model": info.model,
        "licence": entry.licence if entry else "",
        "adapter": info.adapter,
        "mtp_off_reason": info.mtp_off_reason,
        "machine": machine_record() | {"device": info.device, "dtype": info.dtype},
        "device": info.device,
        "dtype": info.dtype,
    }


def machine_words(machine: Mapping[str, Any]) -> str:
    """The processors of a `core.device.machine_record`."""
    return ", ".join([f"{machine['cores']} cores of {machine['cpu']}", *machine["gpus"]])
