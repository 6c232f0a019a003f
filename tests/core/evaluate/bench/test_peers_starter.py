"""On the real starter model no exact way differs from one-token decoding, in float32."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.control import Cancel
from core.engine.session import Session
from core.evaluate.bench.bench import Bench, BenchPlan
from core.evaluate.bench.figures import report
from core.evaluate.bench.grid import with_peers
from core.evaluate.measure import EXACT_WAYS
from core.evaluate.prompts import BenchPrompt
from core.model.loading import load
from core.paths import resources

PROMPTS = (
    "Count from 1 to 10, separated by commas.",
    "Repeat three times: the red house",
    "Why is the sky blue? 🙂",
)


@pytest.mark.starter
def test_no_exact_way_differs_from_one_token_decoding(starter_path: Path) -> None:
    adapter = resources() / "starter" / "adapter"
    loaded = load(starter_path, adapter, torch.device("cpu"), torch.float32)
    session = Session(loaded, starter_path, adapter)
    ways = tuple(way for way in with_peers(session) if way.name in EXACT_WAYS)
    plan = BenchPlan(tuple(map(BenchPrompt, PROMPTS)), ways, max_new_tokens=10, runs=1)
    bench = Bench(session, plan, loaded.model)
    list(bench.measure(Cancel()))
    rows = report(plan, bench.runs)["results"]
    assert {row["strategy"] for row in rows} >= {"verified", "transformers_assisted"}
    assert {row["same_as_next_token"] for row in rows} == {1.0}
