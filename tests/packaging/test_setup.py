from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core import system
from core.paths import resources

ROOT = resources().parent


def load(name: str) -> ModuleType:
    """A script of packaging/ as a module; the folder is no package on purpose."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The setup script over an empty checkout, all libraries present."""
    module = load("setup")
    (tmp_path / "pyproject.toml").write_text("one")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "stride-setup")
    monkeypatch.setattr(system, "missing_qt_packages", lambda: ())
    monkeypatch.setattr(module, "may_install", lambda: False)
    return module


class Commands:
    """Stands in for `subprocess.run`: remembers, makes what the command would, succeeds."""

    def __init__(self, venv: Path, fails: str = "") -> None:
        self.run: list[list[str]] = []
        self._venv, self._fails = venv, fails

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        self.run.append(command)
        failed = bool(self._fails) and self._fails in command
        if "venv" in command and not failed:
            (self._venv / "bin").mkdir(parents=True)
            (self._venv / "bin" / "python").touch()
        if "--version" in command:
            failed = not (self._venv / "bin" / "python").exists()
        return subprocess.CompletedProcess(command, int(failed))

    def named(self, word: str) -> int:
        return sum(word in command for command in self.run)


def commands(script: Any, monkeypatch: pytest.MonkeyPatch, fails: str = "") -> Commands:
    fake = Commands(script.VENV, fails)
    monkeypatch.setattr("subprocess.run", fake)
    return fake


def test_setup_installs_once_and_again_when_the_project_changes(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = commands(script, monkeypatch)
    assert script.main() == 0
    assert (fake.named("venv"), fake.named("--editable")) == (1, 1)
    assert script.main() == 0
    assert fake.named("--editable") == 1
    (script.ROOT / "pyproject.toml").write_text("two")
    assert script.main() == 0
    assert (fake.named("venv"), fake.named("--editable")) == (1, 2)


def test_a_failed_installation_is_not_taken_for_done(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands(script, monkeypatch, fails="--editable")
    assert script.main() == 1
    assert not script.is_up_to_date()


def test_an_old_python_is_refused(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "LEAST_PYTHON", (99, 0))
    assert script.main() == 1
    assert "needs Python 3.11 or later" in capsys.readouterr().err


def test_a_python_without_venv_names_the_package(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = commands(script, monkeypatch, fails="venv")
    assert script.main() == 1
    assert "apt-get install -y python3-venv" in capsys.readouterr().err
    assert fake.named("apt-get") == 0


def test_libraries_are_installed_by_root_and_named_to_others(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "missing_qt_packages", lambda: ("libegl1",))
    fake = commands(script, monkeypatch)
    script.provide_qt_packages()
    assert "sudo apt-get install -y libegl1" in capsys.readouterr().err
    assert fake.run == []
    monkeypatch.setattr(script, "may_install", lambda: True)
    script.provide_qt_packages()
    assert [command[:2] for command in fake.run] == [["apt-get", "update"], ["apt-get", "install"]]
    assert fake.run[1][-1] == "libegl1"


def test_the_scripts_need_nothing_but_the_standard_library() -> None:
    """As on a fresh machine: no site packages at all."""
    code = "import sys; sys.path.insert(0, 'packaging'); import setup; setup.provide_qt_packages()"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_run_without_a_display_names_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = load("launch")
    monkeypatch.setattr(system, "has_display", lambda: False)
    assert launch.main() == 1
    assert "make demo" in capsys.readouterr().err


def test_the_check_of_a_change_is_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert script.read_text().rstrip().endswith("exec make test")
    assert script.stat().st_mode & 0o111
