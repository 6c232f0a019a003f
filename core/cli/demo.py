"""`stride demo`: the main job in a terminal: one prompt, decoded in two ways, and a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from core.cli.output import BlockPrinter, ProgressBar, note, print_json
from core.cli.session import add_model_options, cancel_on_ctrl_c, open_from
from core.control import Cancel, Threshold
from core.engine.request import Message, Request, Strategy
from core.evaluate.prompts import demo_prompts
from core.events import GenerationEvent, PassDone
from core.metrics import AnswerFigures, answer_figures
from core.paths import Paths, user_paths
from core.settings import Settings, load_settings

LABELS: dict[Strategy, str] = {"next_token": "One token a pass", "confadapt": "ConfAdapt"}


@dataclass(frozen=True)
class Shown:
    """One answer of the demo."""

    figures: AnswerFigures
    token_ids: tuple[int, ...]


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("demo", help="see it work: one prompt, decoded in two ways")
    add_model_options(parser)
    parser.add_argument("--threshold", type=float, default=0.9)
    parser.add_argument("--json", action="store_true", help="print the table as one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show both ways of decoding; returns the exit code."""
    from core.evaluate.agreement import answer_agreement, base_model_of

    paths = user_paths()
    settings = load_settings(paths.settings_file)
    threshold, cancel = Threshold(args.threshold), Cancel()
    args.model = args.model or "starter"
    with cancel_on_ctrl_c(cancel):
        if args.model == "starter":
            fetch_if_absent(paths, settings, cancel)
        session = open_from(args, paths, settings, remember=False)
        first = demo_prompts()[0]
        prompt, limit = first.prompt, first.max_new_tokens
        note(f"{session.info.model}, {session.info.device}, {session.info.dtype}\n\n{prompt}")
        # The first calls of a process are slower than all others: warm up unseen.
        list(session.stream(_request(prompt, "confadapt", 8), cancel, threshold))
        shown = {}
        for strategy, label in LABELS.items():
            note(f"\n{label}")
            events = session.stream(_request(prompt, strategy, limit), cancel, threshold)
            shown[strategy] = _show(events, to_stdout=not args.json)
            cancel.check()
        messages = _request(prompt, "confadapt", limit).messages
        fast = shown["confadapt"].token_ids
        agreed = answer_agreement(session, base_model_of(session), messages, fast)
    _report(shown, agreed, args.json)
    if session.info.mtp_off_reason:
        note(f"MTP is off: {session.info.mtp_off_reason}")
    return 0


def fetch_if_absent(paths: Paths, settings: Settings, cancel: Cancel) -> None:
    """Fetch the starter where it is not on this machine, its terms shown first.

    Raises:
        KnownError: if it cannot be fetched.
        Cancelled: after Ctrl+C.
    """
    from core.model import starter

    if starter.starter_path(paths):
        return
    note(
        f"The starter model {starter.TITLE} is fetched once: licence {starter.LICENCE}, "
        f"{starter.DOWNLOAD_BYTES / 1e6:.0f} MB to download, "
        f"{starter.DISK_BYTES / 1e6:.0f} MB on the disk, from {starter.SOURCE}"
    )
    progress = ProgressBar(unit="B")
    try:
        starter.fetch_starter(paths, progress, cancel, offline=settings.offline)
    finally:
        progress.close()


def _request(prompt: str, strategy: Strategy, limit: int) -> Request:
    return Request((Message("user", prompt),), strategy=strategy, max_new_tokens=limit)


def _show(events: Iterator[GenerationEvent], *, to_stdout: bool) -> Shown:
    printer = BlockPrinter(sys.stdout if to_stdout else sys.stderr)
    passes: list[PassDone] = []
    for event in events:
        if isinstance(event, PassDone):
            passes.append(event)
            printer.show(event)
    printer.end()
    token_ids = tuple(token_id for one in passes for token_id in one.token_ids)
    return Shown(answer_figures(passes), token_ids)


def _report(shown: dict[Strategy, Shown], agreed: float, as_json: bool) -> None:
    slow, fast = shown["next_token"], shown["confadapt"]
    rate = slow.figures.tokens_per_second
    speedup = fast.figures.tokens_per_second / rate if rate else 0.0
    if as_json:
        rows = [{"strategy": name} | _row(one.figures) for name, one in shown.items()]
        print_json({"results": rows, "speedup_vs_next_token": speedup, "agreement": agreed})
        return
    print(f"\n{'':18}{'tokens':>8}{'passes':>8}{'tokens per pass':>18}{'tokens a second':>18}")
    for name, one in shown.items():
        row = _row(one.figures)
        print(
            f"{LABELS[name]:18}{row['tokens']:>8}{row['passes']:>8}"
            f"{row['tokens_per_pass']:>18.2f}{row['tokens_per_second']:>18.1f}"
        )
    print(
        f"Speed-up {speedup:.2f} times (tokens a second); "
        f"agreement with the base model {agreed:.1%}."
    )


def _row(figures: AnswerFigures) -> dict[str, float]:
    return {
        "tokens": figures.tokens,
        "passes": figures.passes,
        "tokens_per_pass": figures.tokens_per_pass,
        "tokens_per_second": figures.tokens_per_second,
    }
