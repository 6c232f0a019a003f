"""A store in the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.history.store import HistoryStore


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "stride.db"


@pytest.fixture
def store(database: Path) -> Iterator[HistoryStore]:
    with HistoryStore(database) as opened:
        yield opened
