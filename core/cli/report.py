"""`stride report`: a race, a bench or a run of the history as one HTML page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import note, print_json
from core.errors import KnownError
from core.evaluate.bench_files import write_bench
from core.evaluate.bench_record import read_bench
from core.evaluate.race_files import write_race
from core.evaluate.recording import read_recording
from core.paths import user_paths

if TYPE_CHECKING:
    from core.history.export import Format


ENDINGS: dict[str, Format] = {".html": "html", ".csv": "csv", ".json": "json"}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "report",
        help="a race, a bench or a run as one HTML page",
        description="The page holds everything it shows and opens offline.",
    )
    parser.add_argument(
        "source",
        metavar="RACE|BENCH|RUN",
        help="a file of `stride race --json` or `stride bench --record`, or a run's id",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="ends in .html, .csv or .json"
    )
    parser.add_argument("--json", action="store_true", help="say what was written as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page; returns the exit code."""
    path = Path(args.source)
    if args.out.suffix.lower() not in ENDINGS:
        raise KnownError(
            f"{args.out} is no file that can be written here.",
            f"Let its name end in {', '.join(ENDINGS)}.",
        )
    if path.suffix == ".jsonl":
        write_bench(read_bench(path).report(), args.out)
    elif path.suffix == ".json" or path.is_file():
        write_race(read_recording(path), args.out)
    else:
        _write_run(args.source, args.out)
    if args.json:
        print_json({"out": str(args.out)})
    else:
        note(f"Written: {args.out}")
    return 0


def _write_run(run_id: str, out: Path) -> None:
    from core.history.export import write_export
    from core.history.store import HistoryStore

    with HistoryStore(user_paths().database) as store:
        write_export(store, [run_id], ENDINGS[out.suffix.lower()], out)
