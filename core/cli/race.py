"""`stride race`: one prompt, one-token decoding against another strategy, by the clock."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from core.cli.keep import keep_run
from core.cli.output import ProgressBar, note, print_json
from core.cli.session import (
    add_model_options,
    cancel_on_ctrl_c,
    open_from,
    settle_strategy,
    wished_threshold,
)
from core.control import Cancel
from core.engine.request import STRATEGIES, LoadSpec, Message, Request, SessionInfo
from core.errors import Cancelled, KnownError
from core.evaluate.measure import NEXT_TOKEN, way_of
from core.evaluate.race.lineup import ONE_TOKEN, Entry, Result
from core.evaluate.race.race import Race, Racer
from core.evaluate.race.recording import new_recording, race_record
from core.history.measured import measured_run
from core.paths import user_paths
from core.settings import load_settings


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "race",
        help="time one-token decoding against another strategy on one prompt",
        description="Each way is measured alone, several times after a warm-up; medians are "
        "shown. Ctrl+C prints what is finished, exit code 130.",
    )
    parser.add_argument("prompt", metavar="PROMPT", help='the prompt; "-" reads it from stdin')
    add_model_options(parser)
    parser.add_argument("--strategy", choices=STRATEGIES[1:])
    parser.add_argument("--threshold", type=float, help="confidence a slot must reach, 0..1")
    parser.add_argument("--k-max", type=int, help="most slots a pass, 1..16")
    parser.add_argument("--max-new-tokens", type=int, default=160)
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object (docs/race-file.md)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the race; returns the exit code."""
    from core.evaluate.agreement import base_model_of

    paths = user_paths()
    settings = load_settings(paths.settings_file)
    text = sys.stdin.read() if args.prompt == "-" else args.prompt
    if args.runs < 1:
        raise KnownError("A race needs at least one run.", "Give --runs 1 or more.")
    threshold = wished_threshold(args, settings)
    request = Request((Message("user", text),), max_new_tokens=args.max_new_tokens)
    session = open_from(args, paths, settings)
    strategy = settle_strategy(args, session.info, threshold)
    way = way_of(strategy, threshold.value, args.k_max)
    race = Race(session, request, (NEXT_TOKEN, way), args.runs, base_model_of(session))
    interrupted = _measure(race)
    racers = race.racers()
    if not racers:
        raise Cancelled
    info = session.info
    results = [Result(_entry(racer, info), racer, info) for racer in racers]
    recording = new_recording(text, results, complete=not interrupted)
    report = race_record(recording)
    shown, events = racers[-1].median_lap
    keep_run(measured_run("race", text, shown.text, report, "cli"), events, paths)
    if args.json:
        print_json(report)
    else:
        _show_table(report)
    if info.mtp_off_reason:
        note(f"MTP is off: {info.mtp_off_reason}")
    return 130 if interrupted else 0


def _entry(racer: Racer, info: SessionInfo) -> Entry:
    label = ONE_TOKEN if racer.way == NEXT_TOKEN else info.adapter or racer.way.name
    load = LoadSpec(info.model_path, info.adapter_path or "none")
    return Entry(label, load, racer.way)


def _measure(race: Race) -> bool:
    """Run the race under a progress bar; returns whether it was interrupted."""
    cancel, bar = Cancel(), ProgressBar()
    try:
        with cancel_on_ctrl_c(cancel):
            for done in race.measure(cancel):
                bar("Racing", done, race.total)
    except Cancelled:
        return True
    finally:
        bar.close()
    return False


def _show_table(report: dict[str, Any]) -> None:
    print(f"{report['model']}, {report['device']}, {report['dtype']}")
    if report["speedup"] is not None:
        print(
            f"Speed-up {report['speedup']:.2f} times (wall-clock time of the whole answer), "
            f"{report['rate_ratio']:.2f} times in tokens a second"
        )
    titles = ("seconds", "from .. to", "prefill", "tokens", "passes", "per pass", "a second")
    print(f"\n{'':12}" + "".join(f"{title:>14}" for title in titles) + f"{'agreement':>14}")
    for row in report["results"]:
        low, high = row["seconds_spread"]
        print(
            f"{row['strategy']:12}{row['seconds']:>14.2f}{f'{low:.2f} .. {high:.2f}':>14}"
            f"{row['prefill_seconds']:>14.2f}{row['tokens']:>14}{row['passes']:>14}"
            f"{row['tokens_per_pass']:>14.2f}{row['tokens_per_second']:>14.1f}"
            f"{row['agreement']:>14.3f}"
        )
