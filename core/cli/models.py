"""`stride models`: what models are here, and bringing one here."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from core.cli.demo import fetch_if_absent
from core.cli.output import ProgressBar, note, print_json
from core.cli.session import cancel_on_ctrl_c
from core.control import Cancel
from core.device import list_devices
from core.errors import KnownError
from core.model import starter
from core.model.store import ModelEntry, find_model, judge_fit, list_models, memory_needed
from core.paths import Paths, user_paths
from core.settings import Settings, load_settings


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("models", help="list, fetch or show models")
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every model on this machine")
    listing.set_defaults(act=_list)
    fetch = actions.add_parser("fetch", help="bring a model here: the starter, or one of the Hub")
    fetch.add_argument(
        "name",
        nargs="?",
        default="starter",
        metavar="NAME_OR_REPO",
        help="OWNER/NAME on the Hugging Face Hub; default: the starter model",
    )
    fetch.set_defaults(act=_fetch)
    show = actions.add_parser("show", help="one model: folder, licence, size, memory")
    show.add_argument("name", metavar="NAME", help="a name of `stride models list`, or a folder")
    show.set_defaults(act=_show)
    for action in (listing, fetch, show):
        action.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; returns the exit code."""
    paths = user_paths()
    args.act(args, paths, load_settings(paths.settings_file))
    return 0


def _list(args: argparse.Namespace, paths: Paths, settings: Settings) -> None:
    rows = [_facts(entry) for entry in list_models(paths, settings)]
    if args.json:
        print_json({"models": rows})
        return
    for row in rows:
        size = f"{row['size_bytes'] / 1e6:,.0f} MB"
        state = row["problem"] or row["fit"]
        print(f"{row['name']:40} {size:>12}  {row['licence'] or '-':14} {state}")
    if starter.starter_path(paths) is None:
        note("The starter model is not here yet: `stride models fetch` brings it.")


def _facts(entry: ModelEntry) -> dict[str, Any]:
    """An entry as plain data, with the memory it takes and whether that is free now."""
    need = memory_needed(entry, "auto")
    free = max(device.free_bytes for device in list_devices())
    return {
        **dataclasses.asdict(entry),
        "path": str(entry.path),
        "memory_bytes": need,
        "fit": None if entry.problem else judge_fit(need, free),
    }


def _show(args: argparse.Namespace, paths: Paths, settings: Settings) -> None:
    facts = _facts(find_model(args.name, paths, settings))
    if args.json:
        print_json(facts)
        return
    print(f"{facts['name']}\nfolder   {facts['path']}\nsource   {facts['source']}")
    print(f"licence  {facts['licence'] or 'not named'}")
    print(f"size     {facts['size_bytes'] / 1e6:,.0f} MB on the disk")
    print(f"memory   about {facts['memory_bytes'] / 1e6:,.0f} MB in float32: {facts['fit']}")
    if facts["problem"]:
        print(f"problem  {facts['problem']}")


def _fetch(args: argparse.Namespace, paths: Paths, settings: Settings) -> None:
    cancel = Cancel()
    with cancel_on_ctrl_c(cancel):
        if args.name in ("starter", starter.NAME):
            fetch_if_absent(paths, settings, cancel)
        elif not _is_here(args.name, paths, settings):
            _fetch_from_hub(args.name, paths, settings, cancel)
    entry = find_model(args.name, paths, settings)
    if args.json:
        print_json(_facts(entry))
    else:
        print(entry.path)


def _is_here(name: str, paths: Paths, settings: Settings) -> bool:
    try:
        return not find_model(name, paths, settings).problem
    except KnownError:
        return False


def _fetch_from_hub(repo: str, paths: Paths, settings: Settings, cancel: Cancel) -> Path:
    """Fetch a model of the Hub, its terms shown first."""
    from core.model.hub import fetch_model, find_on_hub

    model = find_on_hub(repo, cancel, offline=settings.offline)
    licence = f"licence {model.licence}" if model.licence else "its licence is not named"
    note(f"{model.repo}: {licence}, {model.size_bytes / 1e6:,.0f} MB, from {model.source}")
    progress = ProgressBar(unit="B")
    try:
        return fetch_model(model, paths, progress, cancel)
    finally:
        progress.close()
