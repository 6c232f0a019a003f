"""`stride bench`: speed, agreement and accuracy of ways of decoding over many prompts."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from core.cli.keep import keep_run
from core.cli.output import ProgressBar, note, print_json
from core.cli.session import add_model_options, cancel_on_ctrl_c, open_from
from core.control import Cancel
from core.engine.request import STRATEGIES
from core.errors import Cancelled, KnownError
from core.evaluate.bench.bench import BASELINES, Bench, BenchPlan
from core.evaluate.bench.files import write_bench
from core.evaluate.bench.grid import grid
from core.evaluate.bench.record import BenchRecorder
from core.evaluate.bench.table import bench_table
from core.evaluate.measure import NEXT_TOKEN
from core.evaluate.prompts import BenchPrompt, built_in_prompts, read_prompts
from core.history.measured import measured_run
from core.paths import user_paths
from core.settings import load_settings


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "bench",
        help="measure ways of decoding over many prompts",
        description="Strategies and thresholds side by side with one-token decoding and "
        "transformers' generate: medians over the runs, 95 % intervals over the prompts in "
        "brackets. Ctrl+C prints what is finished, exit code 130.",
    )
    add_model_options(parser)
    parser.add_argument(
        "--prompts", metavar="FILE.jsonl", help="rows: prompt, family, check, reference, turns"
    )
    parser.add_argument(
        "--per-family", type=int, default=4, help="built-in prompts a family, without --prompts"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the built-in prompts")
    parser.add_argument("--strategies", default="confadapt", help=", ".join(STRATEGIES))
    parser.add_argument("--thresholds", default="0.9", help="for confadapt: 0.99,0.9")
    parser.add_argument("--k-max", default="", help="most tokens kept of one pass, 1..16: 4,8")
    parser.add_argument("--max-new-tokens", type=int, default=160)
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured")
    parser.add_argument(
        "--count-from-slot", type=int, choices=(1, 2), help="confadapt: first slot that counts"
    )
    parser.add_argument(
        "--no-generate",
        action="store_true",
        help="leave out transformers' generate, whose answers are those of one-token decoding",
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE.jsonl",
        help="write every prompt down as it is measured; with a record of the same bench, go on",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="keep the report: .json, .csv, else an HTML page"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and show; returns the exit code."""
    paths = user_paths()
    settings = load_settings(paths.settings_file)
    plan = _plan(args)
    session = open_from(args, paths, settings)
    title = args.prompts or f"built-in held-out prompts, {args.per_family} a family"
    recorder = BenchRecorder(session, plan, title, paths.cache, args.record)
    with closing(recorder):
        code = _measure(recorder.bench)
    result = recorder.record.report()
    table = bench_table(result)
    keep_run(measured_run("bench", f"Bench: {title}", table, result, "cli"), (), paths)
    if args.out:
        _write(result, args.out)
    if args.json:
        print_json(result)
    else:
        print(table)
    if result["mtp_off_reason"]:
        note(f"MTP is off: {result['mtp_off_reason']}")
    return code


def _plan(args: argparse.Namespace) -> BenchPlan:
    for name in ("runs", "max_new_tokens", "per_family"):
        if getattr(args, name) < 1:
            raise KnownError(f"--{name.replace('_', '-')} must be at least 1.")
    return BenchPlan(
        prompts=_prompts(args),
        ways=grid(args.strategies.split(","), args.thresholds, args.k_max),
        max_new_tokens=args.max_new_tokens,
        runs=args.runs,
        count_from_slot=args.count_from_slot,
        baselines=(NEXT_TOKEN,) if args.no_generate else BASELINES,
    )


def _prompts(args: argparse.Namespace) -> tuple[BenchPrompt, ...]:
    if args.prompts:
        return read_prompts(Path(args.prompts))
    return built_in_prompts(args.per_family, args.seed)


def _measure(bench: Bench) -> int:
    """Measure under a progress bar; returns the exit code.

    Raises:
        Cancelled: after Ctrl+C, if nothing is finished.
        KnownError: if nothing is finished; later on, what is finished is still reported.
    """
    cancel, bar = Cancel(), ProgressBar()
    try:
        with cancel_on_ctrl_c(cancel):
            for done in bench.measure(cancel):
                bar("Measuring" if done else "Warming up", done, bench.plan.total if done else 0)
    except (Cancelled, KnownError) as error:
        if not any(bench.runs):
            raise
        bar.close()
        if isinstance(error, Cancelled):
            return 130
        note(f"Only what was finished is shown. {error}")
        return 1
    finally:
        bar.close()
    return 0


def _write(result: dict[str, Any], path: Path) -> None:
    """Keep the report; the figures are printed even where that fails."""
    try:
        write_bench(result, path)
    except KnownError as error:
        note(str(error))
