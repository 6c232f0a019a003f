"""`stride tasks`: tasks of the Language Model Evaluation Harness in our ways of decoding."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.cli.output import note, print_json
from core.cli.session import add_model_options, cancel_on_ctrl_c, open_from
from core.control import Cancel
from core.engine.request import STRATEGIES
from core.errors import Cancelled, KnownError
from core.evaluate.bench.grid import grid
from core.evaluate.measure import Way
from core.evaluate.origin import session_record
from core.paths import user_paths
from core.settings import load_settings

if TYPE_CHECKING:
    from core.engine.session import Session


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "tasks",
        help="standard tasks (gsm8k, ...) of lm-eval",
        description="Runs tasks of the Language Model Evaluation Harness, whose data must be on "
        "this machine or reachable from it. Needs `pip install '.[eval]'` in Stride's folder.",
    )
    parser.add_argument("tasks", metavar="TASK", nargs="+", help="gsm8k, ifeval, or your own")
    add_model_options(parser)
    parser.add_argument("--include", metavar="FOLDER", help="a folder with tasks of your own")
    parser.add_argument("--limit", type=int, help="only so many prompts of each task")
    parser.add_argument("--strategies", default="next_token,confadapt", help=", ".join(STRATEGIES))
    parser.add_argument("--thresholds", default="0.9", help="for confadapt: 0.99,0.9")
    parser.add_argument("--k-max", default="", help="most tokens kept of one pass, 1..16: 4,8")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="worked examples and question as one turn, not as a chat",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the tasks; returns the exit code."""
    _require_harness()
    if args.limit is not None and args.limit < 1:
        raise KnownError("--limit must be at least 1.")
    paths = user_paths()
    ways = grid(args.strategies.split(","), args.thresholds, args.k_max)
    session = open_from(args, paths, load_settings(paths.settings_file))
    results, code = _results(ways, session, args)
    report = {"results": results, **session_record(session.info)}
    if args.json:
        print_json(report)
    else:
        _show(report)
    return code


def _results(
    ways: Sequence[Way], session: Session, args: argparse.Namespace
) -> tuple[list[dict[str, Any]], int]:
    """What every way came to, and the exit code; after Ctrl+C those that were finished.

    Raises:
        Cancelled: after Ctrl+C, if none was.
    """
    cancel = Cancel()
    results: list[dict[str, Any]] = []
    try:
        with cancel_on_ctrl_c(cancel):
            for way in ways:
                results.append(_result(way, session, args, cancel))  # noqa: PERF401  (kept as far as it comes)
    except Cancelled:
        if not results:
            raise
        return results, 130
    return results, 0


def _require_harness() -> None:
    try:
        import lm_eval  # noqa: F401
    except ImportError as error:
        raise KnownError(
            "The Language Model Evaluation Harness is not installed.",
            "Install it with `pip install '.[eval]'` in Stride's folder.",
        ) from error


def _result(way: Way, session: Session, args: argparse.Namespace, cancel: Cancel) -> dict[str, Any]:
    """The scores of one way of decoding, and the passes it needed."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from core.evaluate.task_model import TaskModel

    note(f"{way.name}, threshold {way.threshold:g}")
    model = TaskModel(session, way, cancel)
    try:
        found = simple_evaluate(
            model=model,
            tasks=args.tasks,
            limit=args.limit,
            apply_chat_template=not args.plain,
            fewshot_as_multiturn=not args.plain,
            task_manager=TaskManager(include_path=args.include),
            log_samples=False,
        )
    except (OSError, ValueError, KeyError) as error:
        raise KnownError(
            f"The tasks cannot be run: {error}.", "Check their names and that their data is here."
        ) from error
    tokens = sum(len(one.token_ids) for one in model.measured)
    passes = sum(one.passes for one in model.measured)
    return {
        "strategy": way.name,
        "threshold": way.threshold,
        "k_max": max((one.k_max for one in model.measured), default=1),
        "answers": len(model.measured),
        "tokens_per_pass": tokens / max(1, passes),
        "scores": {task: _scores(found["results"][task]) for task in found["results"]},
    }


def _scores(found: dict[str, Any]) -> dict[str, float]:
    """Metrics and their standard errors by the harness's own names."""
    return {name: one for name, one in found.items() if isinstance(one, float)}


def _show(report: dict[str, Any]) -> None:
    print(f"{report['model']}, {report['adapter'] or 'no adapter'}, {report['dtype']}\n")
    for result in report["results"]:
        print(
            f"{result['strategy']}, threshold {result['threshold']:g}: "
            f"{result['answers']} answers, {result['tokens_per_pass']:.2f} tokens per pass"
        )
        for task, scores in result["scores"].items():
            for name, value in scores.items():
                print(f"  {task:24}{name:32}{value:.4f}")
