"""Before and after as files."""

from __future__ import annotations

import csv
import json

import pytest

from core.errors import KnownError
from core.evaluate.bench.intervals import NONE
from core.evaluate.comparison_table import save_comparison
from core.events import ThresholdAdvised, WayCompared

ONE = (1.0, 1.0, 1.0)
WAYS = [
    WayCompared("next_token", 1.0, 20, ONE, ONE, ONE, ONE, NONE),
    WayCompared(
        "confadapt", 0.9, 20, (1.5, 1.4, 1.6), ONE, ONE, ONE, (0.02, 0.01, 0.03), "starter"
    ),
    WayCompared(
        "confadapt", 0.9, 20, (2.5, 2.1, 2.9), (1.6, 1.4, 1.8), ONE, ONE, (0.01, 0.0, 0.02)
    ),
]
ADVICE = ThresholdAdvised(0.9, "1.60 times one-token decoding.")


def test_a_table_to_read(tmp_path) -> None:
    save_comparison(tmp_path / "t.md", WAYS, ADVICE)
    text = (tmp_path / "t.md").read_text()
    assert "| Threshold 0.9, before (starter) | 1.50 (1.40 to 1.60) | 1.00 |" in text
    assert "| 1.00 | 1.0% (0.0% to 2.0%) |" in text
    assert "20 prompts." in text
    assert text.endswith("Use threshold 0.9. 1.60 times one-token decoding.\n")


def test_a_table_to_reckon_with(tmp_path) -> None:
    save_comparison(tmp_path / "t.csv", WAYS, ADVICE)
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["tokens_per_pass_low"] for row in rows] == ["1.0", "1.4", "2.1"]
    assert [row["adapter"] for row in rows] == ["", "starter", ""]


def test_everything_as_json(tmp_path) -> None:
    save_comparison(tmp_path / "t.JSON", WAYS, None)
    found = json.loads((tmp_path / "t.JSON").read_text())
    assert found["compared"][2]["speedup"] == [1.6, 1.4, 1.8]
    assert found["advice"] is None


def test_a_place_that_cannot_be_written_is_told(tmp_path) -> None:
    with pytest.raises(KnownError, match="cannot be written"):
        save_comparison(tmp_path / "missing" / "t.md", WAYS, ADVICE)
