"""What the header offers: models and adapters on this machine, and devices with free memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.device import Device, list_devices
from core.model.adapter_info import list_adapters, read_adapter_info, starter_adapter
from core.model.store import Fit, ModelEntry, judge_fit, list_models, memory_needed
from core.paths import Paths
from core.settings import Settings


@dataclass(frozen=True)
class ModelChoice:
    """A model to pick.

    Attributes:
        wish: What a `LoadSpec` calls it.
        need_bytes: Memory it takes, about.
    """

    entry: ModelEntry
    wish: str
    need_bytes: int


@dataclass(frozen=True)
class AdapterChoice:
    """An adapter to pick; `wish` is what a `LoadSpec` calls it."""

    name: str
    wish: str
    base_model: str
    k_max: int


@dataclass(frozen=True)
class Inventory:
    """Everything to pick from."""

    models: tuple[ModelChoice, ...] = ()
    adapters: tuple[AdapterChoice, ...] = ()
    devices: tuple[Device, ...] = ()

    def adapters_for(self, entry: ModelEntry) -> tuple[AdapterChoice, ...]:
        """Adapters that say they belong to a model; loading checks its weights."""
        names = (entry.name, entry.path.name)
        return tuple(one for one in self.adapters if one.base_model in names)

    def device(self, wish: str) -> Device | None:
        """The device a wish means; "auto" is the GPU with most free memory, else the CPU."""
        gpus = [one for one in self.devices if one.kind == "cuda"]
        if wish == "auto" and gpus:
            return max(gpus, key=lambda one: one.free_bytes)
        wanted = "cpu" if wish == "auto" else wish
        return next((one for one in self.devices if one.uuid == wanted), None)

    def fit(self, model: ModelChoice, device_wish: str) -> Fit | None:
        """Whether a model fits into what is free now; None if the device is not there."""
        device = self.device(device_wish)
        return judge_fit(model.need_bytes, device.free_bytes) if device else None


def take_inventory(paths: Paths, settings: Settings) -> Inventory:
    """Look at the disk and the devices; reads headers of files, never a tensor."""
    models = tuple(
        ModelChoice(
            entry=entry,
            wish=entry.name if entry.source == "stride" else str(entry.path),
            need_bytes=0 if entry.problem else memory_needed(entry, settings.dtype),
        )
        for entry in list_models(paths, settings)
    )
    adapters = tuple(_adapter(folder) for folder in list_adapters(paths))
    return Inventory(models, adapters, tuple(list_devices()))


def _adapter(folder: Path) -> AdapterChoice:
    info = read_adapter_info(folder)
    if folder == starter_adapter():
        return AdapterChoice("Starter adapter", "starter", info.base_model, info.k_max)
    return AdapterChoice(folder.name, str(folder), info.base_model, info.k_max)
