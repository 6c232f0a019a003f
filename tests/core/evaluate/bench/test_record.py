"""A bench written down: it goes on where it stopped, and its file alone gives the same report."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.control import Cancel
from core.errors import Cancelled, KnownError
from core.evaluate.bench import record as bench_record
from core.evaluate.bench.bench import BenchPlan
from core.evaluate.bench.card import bench_card, bench_headline
from core.evaluate.bench.files import write_bench
from core.evaluate.bench.front import known_qualities, points
from core.evaluate.bench.record import BenchRecorder, read_bench
from core.evaluate.measure import NEXT_TOKEN, Way
from core.evaluate.prompts import BenchPrompt
from core.events import PassDone
from core.rule import Rule
from tests.core.engine.harness import toy_session

FAST = Way("confadapt", 0.3)
CACHE = Path("cache")
PLAN = BenchPlan(
    prompts=(
        BenchPrompt("one", "letters", {"kind": "equals", "answers": ["never"]}),
        BenchPrompt("two", "talk", reference="some words"),
        BenchPrompt("three"),
    ),
    ways=(FAST, Way("confadapt", 0.3, k_max=2)),
    max_new_tokens=12,
    runs=2,
    baselines=(NEXT_TOKEN,),
)


@pytest.fixture(autouse=True)
def _no_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_record, "weights_hash", lambda _: "hash")
    monkeypatch.setattr(bench_record, "cached_weights_hash", lambda *_: "hash")


def measured(path: Path | None = None, plan: BenchPlan = PLAN) -> BenchRecorder:
    recorder = BenchRecorder(toy_session(), plan, "three prompts", CACHE, path)
    list(recorder.bench.measure(Cancel()))
    return recorder


def measure_until(answers: int, recorder: BenchRecorder, stop: Cancel) -> None:
    for done in recorder.bench.measure(stop):
        if done == answers:
            stop.set()


def test_the_file_alone_gives_the_same_report(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    recorder = measured(path)
    read = read_bench(path)
    assert read.is_complete
    assert read.plan == PLAN
    assert read.runs == recorder.bench.runs
    assert json.dumps(read.report()) == json.dumps(recorder.record.report())


def test_a_bench_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, stop = tmp_path / "bench.jsonl", Cancel()
    recorder = BenchRecorder(toy_session(), PLAN, "three prompts", CACHE, path)
    with pytest.raises(Cancelled):
        measure_until(8, recorder, stop)  # of three answers a prompt
    with path.open("a", encoding="utf-8") as file:
        file.write('{"run":0,"answ')  # the power failed
    with path.open("ab") as file:
        file.write("é".encode()[:1])
    assert not read_bench(path).is_complete
    first = [one[FAST].measured.seconds for one in read_bench(path).runs[0]]
    assert len(first) == 2
    again = measured(path)
    assert [one[FAST].measured.seconds for one in again.bench.runs[0]][:2] == first
    assert read_bench(path).is_complete
    assert list(again.bench.measure(Cancel())) == []


def test_another_bench_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    measured(path)
    other = BenchPlan(PLAN.prompts[:1], PLAN.ways, baselines=(NEXT_TOKEN,))
    with pytest.raises(KnownError, match="What differs: the plan"):
        measured(path, other)


def test_other_weights_of_the_base_model_are_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, earlier = tmp_path / "bench.jsonl", tmp_path / "earlier.jsonl"
    measured(path)
    head, *rounds = path.read_text(encoding="utf-8").splitlines(keepends=True)
    bare = {name: one for name, one in json.loads(head).items() if name != "model_hash"}
    earlier.write_text(json.dumps(bare) + "\n" + "".join(rounds), encoding="utf-8")
    monkeypatch.setattr(bench_record, "cached_weights_hash", lambda *_: "another")
    with pytest.raises(KnownError, match="What differs: the base model's weights"):
        measured(path)
    assert measured(earlier).record.is_complete  # it does not know them


def test_a_bench_of_before_there_were_checks_goes_on_without_them(tmp_path: Path) -> None:
    path, earlier = tmp_path / "bench.jsonl", tmp_path / "earlier.jsonl"
    measured(path)
    head, *rounds = path.read_text(encoding="utf-8").splitlines(keepends=True)
    bare = json.loads(head)
    assert bare["plan"].pop("checks")
    earlier.write_text(json.dumps(bare) + "\n" + "".join(rounds), encoding="utf-8")
    assert not read_bench(earlier).plan.rule.checks
    with pytest.raises(KnownError, match="What differs: the plan"):
        measured(earlier)
    unchecked = replace(PLAN, rule=Rule(checks=False))
    assert measured(earlier, plan=unchecked).record.is_complete


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    measured(path).close()
    assert [one.name for one in tmp_path.iterdir()] == ["bench.jsonl"]
    before = path.read_bytes()
    word = {"pid": os.getppid(), "host": platform.node(), "time": time.time()}
    (tmp_path / "bench.jsonl.lock").write_text(json.dumps(word))
    with pytest.raises(KnownError, match="Another process is writing"):
        measured(path)
    assert path.read_bytes() == before


def test_a_refused_bench_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    path.write_text("nonsense\n")
    with pytest.raises(KnownError, match="is no benchmark"):
        measured(path)
    assert [one.name for one in tmp_path.iterdir()] == ["bench.jsonl"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense\n", "is no benchmark"),
        ("", "is no benchmark"),
        ('{"format":"stride-bench","version":9}\n', "version 9"),
        ('{"format":"stride-bench","version":1,"plan":{}}\n', "cannot be read"),
        ('{"format":"stride-bench","version":1,"plan":{}}\n{"run":0}\n', "cannot be read"),
    ],
)
def test_what_is_no_bench_gets_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bench.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KnownError, match=words):
        read_bench(path)


def test_without_a_prompt_there_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    BenchRecorder(toy_session(), PLAN, "three prompts", CACHE, path)
    with pytest.raises(KnownError, match="Not even one prompt"):
        read_bench(path).report()


def test_what_cannot_be_measured_begins_no_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    long = BenchPlan((BenchPrompt("x" * 400),), PLAN.ways, baselines=(NEXT_TOKEN,))
    with pytest.raises(KnownError, match="reads at most"):
        measured(path, long)
    assert not path.exists()


def test_widths_beyond_the_adapters_are_one_way() -> None:
    wide = tuple(Way("confadapt", 0.3, k_max=width) for width in (4, 8, 16))
    plan = measured(None, replace(PLAN, ways=wide)).bench.plan
    assert [way.k_max for way in plan.ways] == [4, None]


def test_the_figures_are_those_of_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.engine.session import Session

    seen: list[tuple[str, int | None, list[PassDone]]] = []
    stream = Session.stream

    def watched(self, request, *args):
        passes: list[PassDone] = []
        seen.append((request.strategy, request.k_max, passes))
        for event in stream(self, request, *args):
            if isinstance(event, PassDone):
                passes.append(event)
            yield event

    monkeypatch.setattr(Session, "stream", watched)
    report = measured().record.report()
    after_warm_up = seen[len(PLAN.all_ways) :][: len(PLAN.prompts) * len(PLAN.all_ways)]
    for row in (one for one in report["results"] if one["family"] is None):
        wanted = 2 if row["k_max"] == 2 else None
        answers = [
            one for name, k_max, one in after_warm_up if (name, k_max) == ("confadapt", wanted)
        ]
        sizes = [len(done.token_ids) for passes in answers for done in passes]
        assert row["tokens_per_pass"] == pytest.approx(sum(sizes) / len(sizes))
        assert row["block_sizes"] == [sizes.count(n) for n in range(1, max(sizes) + 1)]


def test_speed_and_quality_of_every_way() -> None:
    report = measured().record.report()
    assert known_qualities(report) == ["agreement", "accuracy", "likelihood", "rouge_l", "exact"]
    base, fast, narrow = points(report, "agreement")
    assert (base.label, base.speed, base.quality) == ("One token a pass", (1, 1, 1), (1, 1, 1))
    assert fast.label == "0.3, k_max 8"
    assert narrow.label == "0.3, k_max 2"
    assert base.is_best  # nothing agrees more


def test_the_card_opens_offline_and_says_what_it_is(tmp_path: Path) -> None:
    report = measured().record.report()
    page = bench_card(report)
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page)
    for words in (bench_headline(report), "not lossless", "Too few prompts", "By family"):
        assert words in page
    assert page.count("<svg") == 5
    for ending in ("html", "csv", "json"):
        write_bench(report, tmp_path / f"bench.{ending}")
    assert json.loads((tmp_path / "bench.json").read_text()) == json.loads(json.dumps(report))
    rows = (tmp_path / "bench.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 + 4  # heads, three ways, two families for two of them
    assert "agreement_low" in rows[0]
