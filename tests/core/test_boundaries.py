"""The rules that hold the house up, where neither lint nor types can see them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from core.paths import resources

ROOT = resources().parent
MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 60

BLOCKER = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""
NOT_ON_A_SERVER = ("sqlalchemy", "alembic", "platformdirs", "PySide6", "shiboken6")


def run_fresh(code: str) -> str:
    """What a fresh interpreter prints for a program."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "module",
    ["core.cli.main", "core.train.child", "core.train.loop", "core.cli.generate", "core.cli.bench",
     "core.cli.train", "core.engine.session", "core.evaluate.bench.bench"],
)  # fmt: skip
def test_a_gpu_server_needs_neither_qt_nor_sql(module: str) -> None:
    code = BLOCKER.format(blocked=NOT_ON_A_SERVER) + f"import {module}; print('there')"
    assert run_fresh(code) == "there\n"


def test_the_whole_command_line_is_there_on_a_gpu_server() -> None:
    code = BLOCKER.format(blocked=NOT_ON_A_SERVER)
    code += "from core.cli.main import build_parser; build_parser(); print('there')"
    assert run_fresh(code) == "there\n"


def test_the_window_starts_without_anything_heavy() -> None:
    code = "import sys, app.bootstrap; print(*(name.split('.')[0] for name in sys.modules))"
    loaded = set(run_fresh(code).split())
    assert loaded.isdisjoint({"torch", "transformers", "sqlalchemy", "pyqtgraph", "accelerate"})


def sources() -> list[Path]:
    return sorted(
        path for room in ("app", "core", "packaging") for path in (ROOT / room).rglob("*.py")
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_FILE_LINES
    too_long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_FUNCTION_LINES
    ]
    assert too_long == []
