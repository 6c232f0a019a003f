"""`stride bench`: speed, agreement and accuracy of ways of decoding over many prompts."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.keep import keep_run
from core.cli.output import ProgressBar, note, print_json
from core.cli.session import add_model_options, cancel_on_ctrl_c, open_from
from core.control import Cancel
from core.device import peak_memory
from core.engine.request import STRATEGIES
from core.errors import Cancelled, KnownError
from core.evaluate.bench.bench import BASELINES, Bench, BenchPlan
from core.evaluate.bench.files import write_bench
from core.evaluate.bench.front import rows_of
from core.evaluate.bench.grid import grid, with_peers
from core.evaluate.bench.markdown import bench_markdown
from core.evaluate.bench.peers import Peers, with_heads
from core.evaluate.bench.record import BenchRecorder
from core.evaluate.bench.table import bench_table, way_text
from core.evaluate.measure import EXACT_WAYS, NEXT_TOKEN
from core.evaluate.prompts import BenchPrompt, built_in_prompts, read_prompts
from core.history.measured import measured_run
from core.model.adapter_info import adapter_name, choose_adapter
from core.model.store import ModelEntry, usable_model
from core.paths import Paths, user_paths
from core.rule import Rule
from core.settings import Settings, load_settings

if TYPE_CHECKING:
    from core.engine.session import Session


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "bench",
        help="measure ways of decoding over many prompts",
        description="Strategies and thresholds side by side with one-token decoding and "
        "transformers' generate: medians over the runs, 95 % intervals over the prompts in "
        "brackets. In float32 the exit code is 1 if an exact way answered otherwise than "
        "one-token decoding. Ctrl+C prints what is finished, exit code 130.",
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
    _add_peer_options(parser)
    parser.add_argument("--max-new-tokens", type=int, default=160)
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured")
    parser.add_argument(
        "--count-from-slot", type=int, choices=(1, 2), help="confadapt: first slot that counts"
    )
    parser.add_argument(
        "--unchecked",
        action="store_true",
        help="confadapt: drop likely slots instead of having them checked; with "
        "--count-from-slot 1 the paper's rule",
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
        "--out",
        type=Path,
        metavar="FILE",
        help="keep the report: .json, .csv, .md, else an HTML page",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def _add_peer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--peers",
        action="store_true",
        help="in place of these: transformers' own ways of decoding and ours, as far as the model "
        "and the adapter allow them",
    )
    parser.add_argument(
        "--draft",
        metavar="MODEL",
        help="--peers: name or folder of the model that drafts in assisted generation, with the "
        "same tokenizer; default: the first two layers of the model",
    )
    parser.add_argument(
        "--heads",
        metavar="ADAPTER",
        help="--peers: name or folder of heads to add to the model and its adapter",
    )


def run(args: argparse.Namespace) -> int:
    """Measure and show; returns the exit code."""
    paths = user_paths()
    settings = load_settings(paths.settings_file)
    plan = _plan(args)
    draft = usable_model(args.draft, paths, settings) if args.draft else None
    session = open_from(args, paths, settings)
    if args.heads:
        session, plan = _add_heads(args.heads, session, plan, paths, settings)
    if args.peers:
        plan = replace(plan, ways=with_peers(session), draft=draft.name if draft else "")
    peers = _peers(session, draft)
    title = args.prompts or f"built-in held-out prompts, {args.per_family} a family"
    recorder = BenchRecorder(session, plan, title, paths.cache, args.record)
    recorder.bench.peers = peers
    with closing(recorder):
        code = _measure(recorder.bench)
    result = recorder.record.report()
    if result["device"] == "cpu":
        result["peak_memory"] = peak_memory("cpu")
    table = bench_markdown(result) if args.peers else bench_table(result)
    keep_run(measured_run("bench", f"Bench: {title}", table, result, "cli"), (), paths)
    if args.out:
        _write(result, args.out)
    if args.json:
        print_json(result)
    else:
        print(table)
    if result["mtp_off_reason"]:
        note(f"MTP is off: {result['mtp_off_reason']}")
    return code or _exactness(result)


def _add_heads(
    wish: str, session: Session, plan: BenchPlan, paths: Paths, settings: Settings
) -> tuple[Session, BenchPlan]:
    """Session and plan with the heads of an adapter's name or folder.

    Raises:
        KnownError: if they are not there or do not fit.
    """
    folder = choose_adapter(wish, Path(session.info.model_path), paths, settings)
    if folder is None:
        raise KnownError("Which heads?", "Give --heads the adapter that has them.")
    return with_heads(session, folder), replace(plan, heads=adapter_name(folder))


def _peers(session: Session, draft: ModelEntry | None) -> Peers:
    """The peers, with a draft model of their own if one is given.

    Raises:
        KnownError: if it cannot be loaded, or writes other tokens.
    """
    if draft is None:
        return Peers(session)
    from core.model.draft_model import load_draft

    return Peers(session, load_draft(draft.path, session.loaded))


def _exactness(result: dict[str, Any]) -> int:
    """1 if a way that is exact by construction was not; in bfloat16 rounding may excuse it."""
    exact = [one for one in rows_of(result) if one["strategy"] in EXACT_WAYS]
    other = [way_text(one) for one in exact if one["same_as_next_token"] < 1.0]
    if result["dtype"] != "float32" or not other:
        return 0
    note(f"Not the answers of one-token decoding: {'; '.join(other)}.")
    return 1


def _plan(args: argparse.Namespace) -> BenchPlan:
    for name in ("runs", "max_new_tokens", "per_family"):
        if getattr(args, name) < 1:
            raise KnownError(f"--{name.replace('_', '-')} must be at least 1.")
    for name in ("draft", "heads"):
        if getattr(args, name) and not args.peers:
            raise KnownError(f"--{name} belongs to --peers.", "Give both.")
    return BenchPlan(
        prompts=_prompts(args),
        ways=grid(args.strategies.split(","), args.thresholds, args.k_max),
        max_new_tokens=args.max_new_tokens,
        runs=args.runs,
        rule=Rule(args.count_from_slot, checks=not args.unchecked),
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
