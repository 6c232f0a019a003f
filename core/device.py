"""Devices to compute on, and the machine's record; no torch until one is chosen."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import KnownError

CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Device:
    """One device.

    Attributes:
        uuid: What the choice is remembered by: "cpu", or a GPU's own "GPU-...".
    """

    uuid: str
    name: str
    kind: Literal["cpu", "cuda"]
    total_bytes: int
    free_bytes: int


def list_devices() -> list[Device]:
    """The CPU, then the NVIDIA GPUs that the driver shows."""
    import psutil

    memory = psutil.virtual_memory()
    return [Device(CPU, cpu_name(), "cpu", memory.total, memory.available), *nvidia_gpus()]


def nvidia_gpus() -> list[Device]:
    """GPUs the driver shows; empty without a driver."""
    with _nvml() as nvml:
        if nvml is None:
            return []
        handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        return [_gpu(nvml, handle) for handle in handles]


def _gpu(nvml: Any, handle: Any) -> Device:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
    return Device(uuid, name, "cuda", memory.total, memory.free)


@contextmanager
def _nvml() -> Iterator[Any]:
    """The driver's management library, or None where there is none."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def nvidia_driver() -> tuple[str, int] | None:
    """The NVIDIA driver's version and the CUDA generation it runs; None without a driver."""
    with _nvml() as nvml:
        if nvml is None:
            return None
        return nvml.nvmlSystemGetDriverVersion(), nvml.nvmlSystemGetCudaDriverVersion() // 1000


def torch_cuda_version() -> str | None:
    """The CUDA version torch was built for, None for a CPU build; torch is not imported."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    found = re.search(r"^cuda\b[^=]*=\s*'([^']+)'", text, re.MULTILINE)
    return found.group(1) if found else None


def choose_device(wish: str) -> str:
    """The torch device ("cpu", "cuda:1") that a wish means.

    Args:
        wish: "auto" (the GPU with most free memory, else the CPU), "cpu", a GPU's UUID, or
            "cuda:N".

    Raises:
        KnownError: if the wished GPU is not there or torch cannot use it.
    """
    if wish == CPU:
        return CPU
    gpus = _torch_gpus()
    if wish == "auto":
        return max(gpus, key=free_memory) if gpus else CPU
    for name, uuid in gpus.items():
        if wish in (name, uuid) or (wish == "cuda" and name == "cuda:0"):
            return name
    if not gpus and nvidia_gpus():
        raise KnownError(
            "The installed torch computes on the CPU only.",
            "`stride doctor` names the command that installs one for the GPU.",
        )
    raise KnownError(f"The device {wish} is not there.", "Choose another one, or auto.")


def _torch_gpus() -> dict[str, str]:
    """CUDA devices that torch can use: its name for each, and the UUID."""
    if torch_cuda_version() is None:
        return {}
    import torch

    if not torch.cuda.is_available():
        return {}
    return {
        f"cuda:{i}": f"GPU-{torch.cuda.get_device_properties(i).uuid}"
        for i in range(torch.cuda.device_count())
    }


def free_memory(device: str) -> int:
    """Bytes that are free now: on the GPU for "cuda:N", else in main memory."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return int(psutil.virtual_memory().available)


def peak_memory(device: str) -> int:
    """Most bytes this process ever held: on the GPU for "cuda:N", else in main memory."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_reserved(device)
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def busiest_gpu() -> tuple[int, int] | None:
    """Load in percent and temperature in degrees Celsius of the busiest GPU; None without one."""
    with _nvml() as nvml:
        if nvml is None or not nvml.nvmlDeviceGetCount():
            return None
        handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        try:
            loads = {nvml.nvmlDeviceGetUtilizationRates(one).gpu: one for one in handles}
            load, busiest = max(loads.items(), key=lambda item: item[0])
            return load, nvml.nvmlDeviceGetTemperature(busiest, nvml.NVML_TEMPERATURE_GPU)
        except nvml.NVMLError:
            return None  # parts of a GPU, and some laptops' ones, do not tell


def process_memory(pid: int) -> int:
    """Bytes of main memory that a process and its children hold; 0 if it is gone."""
    import psutil

    try:
        root = psutil.Process(pid)
        return sum(one.memory_info().rss for one in (root, *root.children(recursive=True)))
    except psutil.Error:
        return 0


def cpu_name() -> str:
    """The processor's model name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)
        if found:
            return found.group(1).strip()
    return platform.processor() or platform.machine()


def machine_record() -> dict[str, object]:
    """What a figure was measured on: processor, memory, GPUs, versions."""
    import psutil

    return {
        "cpu": cpu_name(),
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "threads": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": [gpu.name for gpu in nvidia_gpus()],
        "os": platform.platform(),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "transformers": _version("transformers"),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
