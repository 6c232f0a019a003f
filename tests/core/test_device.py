"""Devices: what is listed, what a wish means, what a measurement notes."""

from __future__ import annotations

import pytest

from core import device
from core.device import Device, choose_device, list_devices, machine_record
from core.engine.session import choose_dtype
from core.errors import KnownError

GPU = Device("GPU-1234", "Some GPU", "cuda", 8 << 30, 4 << 30)


def test_the_cpu_comes_first():
    first = list_devices()[0]
    assert (first.uuid, first.kind) == ("cpu", "cpu")
    assert first.name
    assert 0 < first.free_bytes <= first.total_bytes


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(device, "_torch_gpus", lambda: {"cuda:0": "GPU-a", "cuda:1": "GPU-b"})
    monkeypatch.setattr(device, "free_memory", {"cuda:0": 1, "cuda:1": 2}.__getitem__)


@pytest.mark.parametrize(
    ("wish", "name"),
    [("auto", "cuda:1"), ("cpu", "cpu"), ("GPU-a", "cuda:0"), ("cuda:1", "cuda:1"),
     ("cuda", "cuda:0")],
)  # fmt: skip
def test_a_wish_means_a_device(two_gpus, wish, name):
    assert choose_device(wish) == name


def test_auto_without_a_gpu_is_the_cpu(monkeypatch):
    monkeypatch.setattr(device, "_torch_gpus", dict)
    assert choose_device("auto") == "cpu"


def test_a_device_that_is_gone_gets_a_sentence(monkeypatch):
    monkeypatch.setattr(device, "_torch_gpus", dict)
    monkeypatch.setattr(device, "nvidia_gpus", list)
    with pytest.raises(KnownError, match="GPU-gone is not there"):
        choose_device("GPU-gone")


def test_a_torch_for_the_cpu_beside_a_gpu_is_named(monkeypatch):
    monkeypatch.setattr(device, "_torch_gpus", dict)
    monkeypatch.setattr(device, "nvidia_gpus", lambda: [GPU])
    with pytest.raises(KnownError, match="stride doctor"):
        choose_device("GPU-1234")


def test_torchs_cuda_version_is_read_without_torch():
    import torch

    assert device.torch_cuda_version() == torch.version.cuda


@pytest.mark.parametrize(
    ("able", "dtype"), [({"avx512_bf16": True}, "bfloat16"), ({"avx2": True}, "float32")]
)
def test_auto_takes_bfloat16_only_where_it_is_native(monkeypatch, able, dtype):
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert choose_dtype("auto", "cpu") is getattr(torch, dtype)
    assert choose_dtype("float32", "cpu") is torch.float32
    assert choose_dtype("bfloat16", "cpu") is torch.bfloat16


def test_a_machine_record_is_plain_json():
    import json

    record = machine_record()
    assert json.loads(json.dumps(record)) == record
    assert record["cpu"]
    assert record["torch"]
