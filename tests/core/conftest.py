"""The starter model, fetched once into a folder inside the project that git ignores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.control import Cancel
from core.model.starter import fetch_starter
from core.paths import Paths

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "test-models"


@pytest.fixture(scope="session")
def starter_path() -> Path:
    """The starter's folder; STRIDE_TEST_STARTER names one that is already there."""
    if given := os.environ.get("STRIDE_TEST_STARTER"):
        return Path(given)
    paths = Paths(CACHE / "config", CACHE / "data", CACHE / "state", CACHE / "cache")
    return fetch_starter(paths, lambda *_: None, Cancel())
