"""`stride generate`: one answer, shown pass by pass, or as JSON lines."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace

from core.cli.output import BlockPrinter, note, print_event
from core.cli.session import (
    add_model_options,
    cancel_on_ctrl_c,
    open_from,
    recorded,
    settle_strategy,
    wished_threshold,
)
from core.control import Cancel
from core.engine.request import STRATEGIES, Message, Request
from core.errors import KnownError
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone
from core.metrics import answer_figures
from core.paths import user_paths
from core.settings import Settings, load_settings

STOP_WORDS = {
    "end_token": "the model ended its answer",
    "stop_string": "a stop string was reached",
    "max_new_tokens": "the token limit was reached",
    "context_full": "the model's context is full",
    "cancelled": "stopped",
}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "generate",
        help="answer a prompt",
        description="Answer a prompt, several tokens a pass. Exit code 130 after Ctrl+C.",
    )
    parser.add_argument("prompt", metavar="PROMPT", help='the prompt; "-" reads it from stdin')
    add_model_options(parser)
    parser.add_argument("--strategy", choices=STRATEGIES)
    parser.add_argument("--threshold", type=float, help="confidence a slot must reach, 0..1")
    parser.add_argument("--k-max", type=int, help="most slots a pass, 1..16")
    parser.add_argument("--max-new-tokens", type=int)
    parser.add_argument("--system", help="system prompt")
    parser.add_argument("--stop", action="append", default=[], help="stop string; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy")
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--json", action="store_true", help="one event a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Decode and show the answer; returns the exit code."""
    paths = user_paths()
    settings = load_settings(paths.settings_file)
    request = _request(args, settings)
    threshold, cancel = wished_threshold(args, settings), Cancel()
    session = open_from(args, paths, settings)
    request = replace(request, strategy=settle_strategy(args, session.info, threshold))
    with cancel_on_ctrl_c(cancel):
        events = session.stream(request, cancel, threshold)
        with recorded(events, paths, request, session.info) as kept:
            ended = _print_events(kept) if args.json else show_answer(kept)
    return 130 if ended.stop_reason == "cancelled" else 0


def _request(args: argparse.Namespace, settings: Settings) -> Request:
    text = sys.stdin.read() if args.prompt == "-" else args.prompt
    if not text.strip():
        raise KnownError("The prompt is empty.", "Give a prompt, or - to read it from stdin.")
    system = settings.system_prompt if args.system is None else args.system
    head = (Message("system", system),) if system else ()
    limit = args.max_new_tokens
    return Request(
        messages=(*head, Message("user", text)),
        k_max=args.k_max,
        max_new_tokens=settings.max_new_tokens if limit is None else limit,
        stop=tuple(args.stop),
        temperature=args.temperature,
        top_p=args.top_p,
        seed=args.seed,
    )


def _print_events(events: Iterable[GenerationEvent]) -> GenerationEnded:
    for event in events:
        print_event(event)
        if isinstance(event, GenerationEnded):
            ended = event
    return ended


def show_answer(events: Iterable[GenerationEvent]) -> GenerationEnded:
    """Print an answer as it comes, then a line of figures on stderr."""
    printer = BlockPrinter(sys.stdout)
    passes: list[PassDone] = []
    off_reason = ""
    for event in events:
        match event:
            case GenerationStarted():
                off_reason = event.mtp_off_reason
            case PassDone():
                passes.append(event)
                printer.show(event)
            case GenerationEnded():
                ended = event
    printer.end()
    note(_figures_line(passes, ended))
    if off_reason:
        note(f"MTP is off: {off_reason}")
    return ended


def _figures_line(passes: list[PassDone], ended: GenerationEnded) -> str:
    figures = answer_figures(passes)
    return (
        f"{figures.tokens} tokens in {figures.passes} passes, "
        f"{figures.tokens_per_pass:.2f} tokens per pass, "
        f"{figures.tokens_per_second:.1f} tokens a second, "
        f"prefill {figures.prefill_seconds:.2f} s; {STOP_WORDS[ended.stop_reason]}."
    )
