from __future__ import annotations

import datetime

import pytest

from app.widgets.units import moment_text, size_text, time_left_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_960, "1.0 MB"),
        (92_871_040, "92.9 MB"),
        (16_000_000_000, "16.0 GB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert size_text(count) == text


def test_time_left() -> None:
    assert time_left_text(0.2) == "about 1 s left"
    assert time_left_text(59) == "about 59 s left"
    assert time_left_text(121) == "about 2 min left"
    assert time_left_text(7200) == "about 2.0 h left"


def test_moments() -> None:
    now = datetime.datetime(2026, 3, 4, 15, 0)
    assert moment_text(now.timestamp() - 60, now.timestamp()) == "Today 14:59"
    assert moment_text(now.timestamp() - 86400, now.timestamp()) == "Yesterday 15:00"
    assert moment_text(now.timestamp() - 10 * 86400, now.timestamp()) == "2026-02-22 15:00"
