"""`stride data`: checks documents; writes training rows by the model, and prompts of families."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from core.cli.output import ProgressBar, note, print_json
from core.cli.reading import add_check
from core.cli.session import cancel_on_ctrl_c
from core.control import Cancel
from core.errors import KnownError
from core.model.store import resolve_model
from core.paths import user_paths
from core.settings import load_settings
from core.wording import many

FAMILIES_HELP = "default: all built-in families"


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("data", help="check documents; write training rows or prompts")
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    add_check(parts)
    write = parts.add_parser(
        "synthesize",
        help="rows from the model itself",
        description="Prompts of the built-in families (training split) and prompts the model "
        "invents, answered by the model. Ctrl+C keeps what is there.",
    )
    write.add_argument("--model", help="name or folder; default: last used, else the starter")
    write.add_argument("--per-family", type=int, default=400, help="prompts of each family")
    write.add_argument("--families", metavar="NAME,NAME", help=FAMILIES_HELP)
    write.add_argument("--invented", type=int, default=400, help="prompts the model invents")
    write.add_argument("--out", required=True, help="file of JSON lines")
    write.add_argument("--seed", type=int, default=0)
    write.add_argument("--device", default="auto")
    write.add_argument("--dtype", choices=("auto", "float32", "bfloat16"), default="auto")
    write.add_argument("--json", action="store_true", help="say what was written as JSON")
    write.set_defaults(run=synthesize)
    prompts = parts.add_parser("prompts", help="prompts of the built-in families, with checks")
    prompts.add_argument("--split", choices=("train", "held_out"), default="held_out")
    prompts.add_argument("--families", metavar="NAME,NAME", help=FAMILIES_HELP)
    prompts.add_argument("--per-family", type=int, default=40)
    prompts.add_argument("--seed", type=int, default=0)
    prompts.add_argument("--out", required=True, help="file of JSON lines")
    prompts.add_argument("--json", action="store_true", help="say what was written as JSON")
    prompts.set_defaults(run=write_prompts)


def synthesize(args: argparse.Namespace) -> int:
    """Write rows with the model; returns the exit code."""
    import torch

    from core.device import choose_device
    from core.engine.session import choose_dtype
    from core.model.loading import Loaded, load_base
    from core.train.data import row_to_json
    from core.train.rows import new_writer
    from core.train.spec import TrainSpec
    from core.train.student import end_ids
    from core.train.synthesis import family_rows

    paths = user_paths()
    settings = load_settings(paths.settings_file)
    model_path = resolve_model(args.model or settings.last_model or "starter", paths, settings)
    device = torch.device(choose_device(args.device))
    dtype = choose_dtype(args.dtype, str(device))
    families = _families(args.families)
    model, tokenizer = load_base(model_path, device, dtype)
    loaded = Loaded(model, tokenizer, None, device, dtype)
    spec = TrainSpec(model=str(model_path), out=args.out)
    writer = new_writer(loaded, end_ids(model, tokenizer), paths, spec, note)
    cancel, bar = Cancel(), ProgressBar()
    with cancel_on_ctrl_c(cancel):
        rows = family_rows(args.per_family, args.seed, families)
        if args.invented:
            advance = _advance(bar, "Inventing prompts", cancel)
            rows += writer.invent_prompts(args.invented, args.seed, advance)
        answered = writer.answer(rows, _advance(bar, "Answering", cancel))
    bar.close()
    lines = [row_to_json(row) + "\n" for row in answered]
    _write(args, lines)
    return 130 if cancel.is_set else 0


def _families(wish: str | None) -> tuple[str, ...]:
    """The families named on the command line; all by default."""
    from core.evaluate.tasks import CHECKABLE, OPEN

    every = (*CHECKABLE, *OPEN)
    chosen = tuple(wish.split(",")) if wish else every
    if unknown := set(chosen) - set(every):
        raise KnownError(
            f"There is no family {', '.join(sorted(unknown))}.", f"Choose from {', '.join(every)}."
        )
    return chosen


def _advance(bar: ProgressBar, phase: str, cancel: Cancel) -> Callable[[int, int], bool]:
    def advance(done: int, total: int) -> bool:
        bar(phase, done, total)
        return not cancel.is_set

    return advance


def write_prompts(args: argparse.Namespace) -> int:
    """Write prompts with their checks; returns the exit code."""
    from core.evaluate.tasks import make_tasks, tasks_to_jsonl

    tasks = [
        task
        for family in _families(args.families)
        for task in make_tasks(family, args.per_family, args.seed, args.split)
    ]
    _write(args, tasks_to_jsonl(tasks).splitlines(keepends=True))
    return 0


def _write(args: argparse.Namespace, lines: list[str]) -> None:
    path = Path(args.out)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise KnownError(f"{path} cannot be written: {error.strerror}.") from error
    if args.json:
        print_json({"file": str(path), "rows": len(lines)})
        return
    note(f"{many(len(lines), 'row')} in {path}.")
