"""`stride heads`: trained heads as a plain model that ships them."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.output import print_json
from core.errors import KnownError
from core.model.adapter_info import choose_adapter
from core.model.store import resolve_model
from core.paths import user_paths
from core.settings import load_settings


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("heads", help="trained heads for other programs")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = actions.add_parser(
        "export",
        help="model and heads as one plain folder",
        description="Write a folder that transformers loads and drafts with by "
        "generate(use_mtp=True); docs/heads.md has the lines.",
    )
    export.add_argument("adapter", metavar="ADAPTER", help="a name or folder of trained heads")
    export.add_argument("--model", help="name or folder; default: last used, else the starter")
    export.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="a new folder")
    export.add_argument("--json", action="store_true", help="say what was written as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the folder; returns the exit code."""
    from core.model.export_heads import export_heads

    paths = user_paths()
    settings = load_settings(paths.settings_file)
    model = resolve_model(args.model or settings.last_model or "starter", paths, settings)
    adapter = choose_adapter(args.adapter, model, paths, settings)
    if adapter is None:
        raise KnownError("Which heads?", "Name the adapter that has them.")
    out = export_heads(model, adapter, args.out.expanduser().absolute())
    if args.json:
        print_json({"model": str(model), "adapter": str(adapter), "out": str(out)})
    else:
        print(out)
    return 0
