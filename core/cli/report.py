"""`stride report`: a race, a bench, a trace or a run of the history as one HTML page."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import note, print_json
from core.errors import KnownError
from core.evaluate.bench.files import write_bench
from core.evaluate.bench.record import FORMAT as BENCH
from core.evaluate.bench.record import read_bench
from core.evaluate.race.files import write_race
from core.evaluate.race.recording import FORMAT as RACE
from core.evaluate.race.recording import read_recording
from core.evaluate.trace_card import trace_card
from core.evaluate.traces import read_traces
from core.files import write_text
from core.paths import user_paths

if TYPE_CHECKING:
    from core.history.export import Format


PAGES = {RACE: "Race", BENCH: "Benchmark"}
"""Of the window, where such a file is opened."""
ENDINGS: dict[str, Format] = {".html": "html", ".csv": "csv", ".json": "json"}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "report",
        help="a race, a bench, a trace or a run as one HTML page",
        description="The page holds everything it shows and opens offline.",
    )
    parser.add_argument(
        "source",
        metavar="FILE|RUN",
        help="of `stride race --json`, `stride bench --record` or `stride generate --json`, or a "
        "run's id",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="ends in .html, .csv or .json, that of a bench also in .md",
    )
    parser.add_argument("--json", action="store_true", help="say what was written as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page; returns the exit code."""
    path, out = Path(args.source), args.out
    form = _format(path)
    _check_ending(out, form)
    if not path.is_file() and path.suffix not in (".json", ".jsonl"):
        _write_run(args.source, out)
    elif form == BENCH:
        write_bench(read_bench(path).report(), out)
    elif form == RACE:
        write_race(read_recording(path), out)
    else:
        _write_traces(path, out)
    if args.json:
        print_json({"out": str(args.out)})
    else:
        note(f"Written: {args.out}")
    return 0


def _check_ending(out: Path, form: str) -> None:
    """Refuse what cannot be written; pictures are drawn by the window, which core does without."""
    ending = out.suffix.lower()
    if ending == ".png" and form in PAGES:
        raise KnownError(
            "A picture is saved from the window.",
            f'Open the file on the page "{PAGES[form]}", and choose PNG under "Save…".',
        )
    endings = (*ENDINGS, ".md") if form == BENCH else tuple(ENDINGS)
    if ending not in endings:
        raise KnownError(
            f"{out} is no file that can be written here.",
            f"Let its name end in {', '.join(endings)}.",
        )


def _format(path: Path) -> str:
    """What the first line of a file says it is; "" for traces, which say nothing."""
    try:
        with path.open(encoding="utf-8") as file:
            return str(json.loads(file.readline()).get("format", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _write_traces(path: Path, out: Path) -> None:
    if out.suffix.lower() != ".html":
        raise KnownError("Of recorded answers only a page can be made.", "Name a .html file.")
    write_text(out, trace_card(path.stem, read_traces(path)))


def _write_run(run_id: str, out: Path) -> None:
    from core.history.export import write_export
    from core.history.store import HistoryStore

    with HistoryStore(user_paths().database) as store:
        write_export(store, [run_id], ENDINGS[out.suffix.lower()], out)
