"""`stride runs clean`: what trainings have left on the disk, and removing it."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.cli.output import agreed, note, print_json
from core.control import Cancel
from core.errors import KnownError
from core.paths import Paths, user_paths
from core.train.cleanup import Leftover, Survey, remove, survey


def add_clean(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `clean` to the commands of `stride runs`."""
    parser = parts.add_parser(
        "clean",
        help="what trainings have left on the disk, and removing it",
        description="Without an ID, list it. With some, remove their checkpoints, which are "
        "needed only to go on, and working files, which only save time. Adapters and the history "
        "stay.",
    )
    parser.add_argument(
        "ids", metavar="ID", nargs="*", help="a training, or `answers`: what models wrote for all"
    )
    parser.add_argument("--everything", action="store_true", help="remove their records, too")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List or remove; returns the exit code."""
    paths = user_paths()
    found = survey(paths, Cancel())
    if args.ids:
        _remove(args, found, paths)
    else:
        _show(found, args.json)
    return 0


def _remove(args: argparse.Namespace, found: Survey, paths: Paths) -> None:
    chosen = _chosen(found, args.ids)
    frees = sum(one.frees(args.everything) for one in chosen)
    note("\n".join(map(_line, chosen)))
    what = "everything of them, their records too" if args.everything else "what is no record"
    if not args.yes and not agreed(f"Remove {what}, {frees / 1e6:,.1f} MB?"):
        note("Nothing was removed.")
        return
    remove([one.folder for one in chosen], paths, args.everything, Cancel())
    if args.json:
        print_json({"removed": [one.folder.name for one in chosen], "bytes": frees})
    else:
        note(f"{frees / 1e6:,.1f} MB are free again.")


def _chosen(found: Survey, ids: Sequence[str]) -> list[Leftover]:
    known = {one.folder.name: one for one in found.leftovers}
    for wish in ids:
        if wish not in known:
            raise KnownError(f"{wish} is no ID of what is there.", "`stride runs clean` lists it.")
        if known[wish].why_not:
            raise KnownError(f"Nothing of {wish} can be removed.", known[wish].why_not)
    return [known[wish] for wish in dict.fromkeys(ids)]


def _show(found: Survey, as_json: bool) -> None:
    if as_json:
        rows = [_facts(one) for one in found.leftovers]
        print_json({"leftovers": rows, "free_bytes": found.free_bytes})
        return
    for one in found.leftovers:
        print(_line(one))
    note("In MB: checkpoints (needed only to go on), working files (made again), record.")
    free = f"{found.free_bytes / 1e9:,.1f} GB are free."
    note(f"{found.total_bytes / 1e6:,.1f} MB in all; {free}")


def _facts(one: Leftover) -> dict[str, Any]:
    facts = dataclasses.asdict(one)
    folder: Path = facts.pop("folder")
    return {"id": folder.name, "folder": str(folder), **facts}


def _line(one: Leftover) -> str:
    sizes = "".join(f"{size / 1e6:>11,.1f}" for size in dataclasses.astuple(one.use))
    going_on = "; can go on" if one.can_go_on else ""
    return f"{one.folder.name:24}  {one.state:11}{sizes}  {one.name}{going_on}"
