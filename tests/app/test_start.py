"""What must hold before and around the window: imports, displays, system libraries."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app import __main__ as entry

HEAVY = ("torch", "transformers", "accelerate", "sqlalchemy", "alembic", "pyqtgraph")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_the_window_paints_before_anything_heavy_is_imported() -> None:
    code = f"""
import sys
from app import bootstrap
from core.paths import user_paths
app = bootstrap.make_qt_application([])
stride = bootstrap.build(app, user_paths())
stride.window.show()
app.processEvents()
early = [name for name in {HEAVY} if name in sys.modules]
assert not early, early
assert "app.pages.chat.page" not in sys.modules, "other pages wait for the first painting"
stride.window.start()
late = [name for name in ("torch", "transformers", "pyqtgraph") if name in sys.modules]
assert not late, late
stride.window.close()
print("shown")
"""
    done = run(code)
    assert done.stdout == "shown\n", done.stderr


def test_without_a_display_one_sentence_names_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert entry.main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "make demo" in said
    assert "Traceback" not in said


def test_a_missing_system_library_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: str) -> None:
        raise OSError("libxcb-cursor.so.0: cannot open shared object file")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setattr(entry.ctypes, "CDLL", fail)
    monkeypatch.setattr(entry, "missing_qt_packages", lambda: ("libxcb-cursor0",))
    sentence = entry.missing_library()
    assert "libxcb-cursor.so.0" in sentence
    assert "sudo apt-get install -y" in sentence
    assert "libxcb-cursor0" in sentence


def test_offscreen_needs_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert entry.has_display()
    assert entry.missing_library() == ""
