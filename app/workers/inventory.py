"""What the header offers: models and adapters on this machine, and devices with free memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.control import Cancel
from core.device import Device, list_devices
from core.errors import KnownError
from core.model.adapter_info import (
    SHIPPED,
    Kind,
    adapter_name,
    check_fits,
    list_adapters,
    read_adapter_info,
)
from core.model.fingerprint import cached_weights_hash
from core.model.store import Fit, ModelEntry, judge_fit, list_models, memory_needed
from core.paths import Paths
from core.settings import Settings

SHIPPED_NAMES = {"starter": "Starter adapter", "starter-heads": "Starter heads"}


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
    """An adapter to pick.

    Attributes:
        wish: What a `LoadSpec` calls it.
        base_hash: Hash of the weights it was trained on; it fits no others.
        k_max: Most tokens a pass.
        changes_base: Whether the base model's own weights were trained.
    """

    name: str
    wish: str
    kind: Kind
    base_model: str
    base_hash: str
    k_max: int
    changes_base: bool = False


@dataclass(frozen=True)
class Inventory:
    """Everything to pick from."""

    models: tuple[ModelChoice, ...] = ()
    adapters: tuple[AdapterChoice, ...] = ()
    devices: tuple[Device, ...] = ()

    def adapters_for(self, weights: str) -> tuple[AdapterChoice, ...]:
        """Adapters trained on exactly the weights of this hash."""
        return tuple(one for one in self.adapters if one.base_hash == weights)

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


def weights_of(model: ModelChoice, paths: Paths, cancel: Cancel) -> str:
    """Hash of a model's weights; reads every byte the first time. "" if they cannot be read."""
    return weights_in(str(model.entry.path), paths, cancel)


def weights_in(folder: str, paths: Paths, cancel: Cancel) -> str:
    """The same for the model of a folder."""
    try:
        return cached_weights_hash(Path(folder), paths.cache, cancel)
    except KnownError:
        return ""


def adapter_in(folder: Path, model: ModelChoice, paths: Paths, cancel: Cancel) -> AdapterChoice:
    """The adapter in a folder anywhere on the disk.

    Raises:
        KnownError: if it holds none, or one trained on other weights.
    """
    choice = _adapter(folder)
    check_fits(read_adapter_info(folder), model.entry.path, paths, cancel)
    return choice


def _adapter(folder: Path) -> AdapterChoice:
    info = read_adapter_info(folder)
    name = adapter_name(folder)
    return AdapterChoice(
        name=SHIPPED_NAMES.get(name, name),
        wish=name if name in SHIPPED else str(folder),
        kind=info.kind,
        base_model=info.base_model,
        base_hash=info.base_hash,
        k_max=info.k_max,
        changes_base=info.holds_model,
    )
