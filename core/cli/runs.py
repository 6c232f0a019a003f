"""`stride runs`: the history on the command line."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core import jsonl
from core.cli.clean import add_clean
from core.cli.output import BlockPrinter, agreed, note, print_json
from core.errors import KnownError
from core.events import PassDone
from core.history.export import FORMATS, facts_of, write_export
from core.history.records import RUN_KINDS, RunDetail, RunFilter, RunRecord
from core.paths import user_paths

if TYPE_CHECKING:
    from core.history.store import HistoryStore


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("runs", help="list, show, export or delete what was run")
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="runs, newest first")
    listing.add_argument("--kind", choices=RUN_KINDS)
    listing.add_argument("--search", default="", help="words that prompt or answer contain")
    listing.add_argument("--limit", type=_count, default=50, help="most runs to list")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(act=list_runs)
    show = actions.add_parser("show", help="one run with its blocks")
    show.add_argument("id", metavar="ID")
    show.add_argument("--json", action="store_true", help="everything, the trace included")
    show.set_defaults(act=show_run)
    export = actions.add_parser("export", help="write runs into a file")
    export.add_argument("ids", metavar="ID", nargs="+")
    export.add_argument("--format", choices=FORMATS, default="json", dest="form")
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.add_argument("--json", action="store_true", help="say what was written as JSON")
    export.set_defaults(act=export_runs)
    delete = actions.add_parser("delete", help="delete runs; a training's folder stays")
    delete.add_argument("ids", metavar="ID", nargs="+")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.add_argument("--json", action="store_true", help="say what was deleted as JSON")
    delete.set_defaults(act=delete_runs)
    add_clean(actions)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Open the history and do what was asked; returns the exit code."""
    try:
        from core.history.store import HistoryStore
    except ImportError as error:
        raise KnownError(
            f"The history needs a package that is not installed: {error.name}.",
            "Install Stride with all its dependencies: pip install stride-mtp.",
        ) from error
    with HistoryStore(user_paths().database) as store:
        if store.notice:
            note(store.notice)
        args.act(args, store)
    return 0


def list_runs(args: argparse.Namespace, store: HistoryStore) -> None:
    """Print the newest runs, one a line."""
    wanted = RunFilter(kind=args.kind, search=args.search)
    found = store.list_runs(wanted, limit=args.limit)
    if args.json:
        print_json({"runs": [dataclasses.asdict(one) for one in found]})
        return
    for one in found:
        print(_line(one))
    total = store.count_runs(wanted)
    if not found:
        note("No run was found.")
    elif total > len(found):
        note(f"{len(found)} of {total} runs; --limit shows more.")


def _line(one: RunRecord) -> str:
    when = datetime.fromtimestamp(one.created_at).strftime("%Y-%m-%d %H:%M")
    pace = one.summary.get("tokens_per_pass")
    figures = f"{pace:5.2f} tokens per pass" if pace else ""
    return f"{one.id}  {when}  {one.kind:8}  {one.state:11}  {figures:21}  {one.title}".rstrip()


def show_run(args: argparse.Namespace, store: HistoryStore) -> None:
    """Print one run: its prompt, its answer in blocks, its figures."""
    found = store.get_run(args.id)
    events = store.trace(found.id)
    if args.json:
        trace = [jsonl.to_dict(event) for event in events]
        print_json({**dataclasses.asdict(found), "trace": trace})
        return
    if found.prompt:
        print(f"{found.prompt}\n")
    _print_answer(found, [event for event in events if isinstance(event, PassDone)])
    for name, value in facts_of(found):
        print(f"{name}: {value}")


def _print_answer(found: RunDetail, passes: Sequence[PassDone]) -> None:
    printer = BlockPrinter(sys.stdout)
    for done in passes:
        printer.show(done)
    printer.end()
    if not passes and found.answer:
        print(found.answer)
    if found.answer:
        print()


def export_runs(args: argparse.Namespace, store: HistoryStore) -> None:
    """Write runs into a file."""
    write_export(store, args.ids, args.form, args.out)
    if args.json:
        print_json({"file": str(args.out), "runs": args.ids})
        return
    note(f"{args.out} is written.")


def delete_runs(args: argparse.Namespace, store: HistoryStore) -> None:
    """Delete runs after a question."""
    titles = [store.get_run(one).title for one in args.ids]  # an unknown id deletes nothing
    if not args.yes and not _agreed(titles):
        note("Nothing was deleted.")
        return
    deleted = store.delete_runs(args.ids)
    if args.json:
        print_json({"deleted": deleted})
        return
    note(f"Deleted: {deleted}.")


def _agreed(titles: Sequence[str]) -> bool:
    note("\n".join(titles))
    what = "this run" if len(titles) == 1 else f"these {len(titles)} runs"
    return agreed(f"Delete {what}?")
