from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pytest

from core.cli import doctor
from core.cli.doctor import Check
from core.paths import Paths


def checks(paths: Paths) -> dict[str, Check]:
    return {check.name: check for check in doctor.examine(paths)}


def stride_doctor(*words: str) -> int:
    parser = argparse.ArgumentParser()
    doctor.add(parser.add_subparsers())
    args = parser.parse_args(["doctor", *words])
    return int(args.run(args))


def test_a_fresh_machine_is_healthy_and_nothing_is_made(paths: Paths, stride_home: Path) -> None:
    found = checks(paths)
    assert set(found) == {
        "python", "torch", "devices", "qt", "display", "folders", "disk", "history", "starter",
    }  # fmt: skip
    for name in ("python", "devices", "folders", "history"):
        assert found[name].state == "ok", found[name]
    assert (found["starter"].state, found["starter"].fix) == ("note", "stride models fetch")
    assert not stride_home.exists()


@pytest.mark.parametrize(
    ("cuda", "driver", "state", "fix"),
    [
        (None, None, "ok", ""),
        (None, ("580.1", 13), "problem", "/whl/cu130"),
        (None, ("550.1", 12), "problem", "/whl/cu126"),
        (None, ("470.1", 11), "problem", "Update the NVIDIA driver"),
        ("13.0", ("550.1", 12), "problem", "/whl/cu126"),
        ("12.6", ("580.1", 13), "ok", ""),
    ],
)
def test_a_gpu_left_unused_comes_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
    cuda: str | None,
    driver: tuple[str, int] | None,
    state: str,
    fix: str,
) -> None:
    monkeypatch.setattr(doctor, "torch_cuda_version", lambda: cuda)
    monkeypatch.setattr(doctor, "nvidia_driver", lambda: driver)
    check = doctor.torch_build()
    assert check.state == state
    assert fix in check.fix
    if "/whl/" in fix:
        assert "-m pip install --force-reinstall" in check.fix


def test_missing_libraries_come_with_the_command(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "missing_qt_packages", lambda: ("libegl1", "libgl1"))
    check = checks(paths)["qt"]
    assert (check.state, check.fix) == ("problem", "sudo apt-get install -y libegl1 libgl1")


def test_no_display_is_a_note_that_names_the_demo(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    check = checks(paths)["display"]
    assert check.state == "note"
    assert "stride demo" in check.fix


def test_a_full_disk_and_a_folder_that_is_a_file_are_problems(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.data.parent.mkdir(parents=True)
    paths.data.touch()
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    found = checks(paths)
    assert found["folders"].state == found["disk"].state == "problem"
    assert "STRIDE_HOME" in found["folders"].fix
    assert "STRIDE_HOME" in found["disk"].fix


def test_a_damaged_history_is_a_problem_and_stays_as_it_is(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.data.mkdir(parents=True)
    paths.database.write_bytes(b"not a database at all" * 99)
    assert stride_doctor("--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    (history,) = [one for one in answer["checks"] if one["name"] == "history"]
    assert "damaged" in history["text"]
    assert [file.name for file in paths.data.iterdir()] == ["stride.db"]


def test_the_text_form_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    stride_doctor()
    lines = capsys.readouterr().out.splitlines()
    starter = next(i for i, line in enumerate(lines) if line.startswith("note    starter"))
    assert lines[starter + 1].strip() == "-> stride models fetch"
