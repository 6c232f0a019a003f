"""`stride train`: adapt a model, in a process of its own that this command only watches."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any, get_args

from core.cli.output import ProgressBar, note, print_event
from core.cli.reading import add_reading_options
from core.cli.session import cancel_on_ctrl_c
from core.control import Cancel
from core.device import CPU, choose_device
from core.errors import KnownError
from core.events import (
    EvalDone,
    Notice,
    RunEnded,
    RunStarted,
    StepDone,
    StepsPlanned,
    ThresholdAdvised,
    TrainingEvent,
    WayCompared,
)
from core.history.training import read_training
from core.model.adapter_info import KINDS
from core.paths import Paths, user_paths
from core.settings import load_settings
from core.train.cleanup import has_checkpoint
from core.train.plan import plan_spec
from core.train.process import KILL_AFTER, TrainingProcess, find_run, new_run
from core.train.queue import at_work
from core.train.spec import Teacher, TrainSpec, read_settings

OPTIONS: tuple[tuple[str, type, str], ...] = (
    ("minutes", float, "time for everything; a probe and the pace turn it into steps"),
    ("steps", int, "optimizer steps, instead of minutes"),
    ("k-max", int, "slots a pass, 2..16"),
    ("k-min", int, "smallest number of slots drawn for a row"),
    ("rank", int, "rank of the gated adapter"),
    ("heads", int, "heads in all; more than --from has are copies of its own, trained alone"),
    ("draft-vocabulary", int, "tokens that heads can propose, the most frequent; 0 is all"),
    ("top-n", int, "tokens on which heads are compared with the main head"),
    ("ce-weight", float, "weight of the heads' cross-entropy"),
    ("kl-weight", float, "weight of the heads' KL from the main head; 0 leaves it out"),
    ("head-decay", float, "weight of each head as a share of the one before it"),
    ("learning-rate", float, "peak learning rate"),
    ("base-learning-rate", float, "peak learning rate of the base model's layers (--joint)"),
    ("sequences", int, "rows a step"),
    ("processes", int, "ranks on this machine, one to a GPU; see docs/cluster.md"),
    ("context", int, "rows are cut to this many tokens"),
    ("eval-rows", int, "held-out rows"),
    ("save-every", int, "steps between checkpoints"),
    ("seed", int, "seed of data order, slots and offsets"),
)


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "train",
        help="teach a model to predict several tokens a pass",
        description="Train an adapter by self-distillation. Ctrl+C stops after the running step, "
        "keeps a checkpoint and the adapter as it then is; --resume goes on.",
    )
    parser.add_argument("--model", help="name or folder; default: last used, else the starter")
    parser.add_argument("--data", action="append", help="file or folder of documents; repeatable")
    add_reading_options(parser)
    parser.add_argument("--synthesize", action="store_true", help="let the model write the rows")
    parser.add_argument("--out", help="folder of the new adapter")
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument(
        "--from",
        dest="start",
        default="auto",
        help="adapter to go on from: starter, none, own, PATH",
    )
    parser.add_argument(
        "--teacher",
        choices=get_args(Teacher),
        help="whose word counts: that of the base model behind the block (hard), its whole "
        "distribution (soft), or hard and the rows that it wrote itself by turns (mixed)",
    )
    parser.add_argument("--device", help="auto, cpu, cuda:N or a GPU's UUID")
    parser.add_argument("--dtype", choices=("auto", "float32", "bfloat16"))
    for name, kind, text in OPTIONS:
        parser.add_argument(f"--{name}", type=kind, help=text)
    parser.add_argument(
        "--shard",
        action="store_true",
        help="divide the weights among the processes (full trainings of large models)",
    )
    parser.add_argument(
        "--joint",
        action="store_true",
        help="train the base model's layers with its heads (--kind heads)",
    )
    parser.add_argument("--spec", help="JSON file of settings; options go before it")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run, by name or folder")
    parser.add_argument("--json", action="store_true", help="one event a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start or resume a training and follow it to its end; returns the exit code."""
    paths = user_paths()
    run_dir = _run_to_resume(args, paths) if args.resume else new_run(_spec(args, paths), paths)
    _tell_of_others(paths)
    process = TrainingProcess(run_dir)
    note(f"Training run {run_dir.name} (folder {run_dir}).")
    _track(run_dir, paths)
    wish = Cancel()
    watcher = _Watcher(args.json)
    is_forced = False
    try:
        with cancel_on_ctrl_c(wish):
            for event in process.events(wish):
                watcher(event)
    except KeyboardInterrupt:
        is_forced = True
        note(f"Ending it; what is not done in {KILL_AFTER:.0f} s is killed.")
        process.end()
        for event in process.events(wish):
            watcher(event)
    watcher.close()
    _track(run_dir, paths)
    on = _way_on(run_dir)
    if process.exit_code != 0 and not is_forced:
        reason = watcher.error or process.log_tail()
        raise KnownError(f"The training ended early. {reason}", on)
    if not wish.is_set:
        return 0
    if on:
        note(on)
    return 130


def _way_on(run_dir: Path) -> str:
    """How a run that ended early goes on; "" if there is nothing to go on from."""
    command = f"`stride train --resume {run_dir.name}`"
    return f"{command} goes on from its last checkpoint." if has_checkpoint(run_dir) else ""


def _run_to_resume(args: argparse.Namespace, paths: Paths) -> Path:
    if _options(args) or args.spec or args.start != "auto":
        raise KnownError(
            "A resumed run keeps the settings of its start.", "Give --resume without others."
        )
    run_dir = find_run(args.resume, paths)
    if read_training(run_dir).state == "completed":
        raise KnownError(
            f"The training {run_dir.name} is completed.",
            "`stride train --from ADAPTER` begins another one where it ended.",
        )
    return run_dir


def _tell_of_others(paths: Paths) -> None:
    """A training shares the machine with those that are at work."""
    if others := [folder.name for folder in at_work(paths)]:
        note(f"At work already: {', '.join(others)}. They slow one another and share the memory.")


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """The settings given on the command line."""
    names = {field.name for field in dataclasses.fields(TrainSpec)}
    return {
        key: value
        for key, value in vars(args).items()
        if key in names and value is not None and value is not False  # 0 is a wish too
    }


def _spec(args: argparse.Namespace, paths: Paths) -> TrainSpec:
    """The settings file, the options over it, and defaults that follow from the model."""
    wishes = read_settings(Path(args.spec)) if args.spec else {}
    wishes |= _options(args)
    if args.start != "auto":
        wishes["start_from"] = args.start
    spec = plan_spec(wishes, paths, load_settings(paths.settings_file))
    if spec.device not in ("auto", CPU):
        choose_device(spec.device)  # one that is not there is told before a run is made
    return spec


def _track(run_dir: Path, paths: Paths) -> None:
    """Bring the history's row up to date, where a history can be kept."""
    try:
        from core.history.store import HistoryStore

        with HistoryStore(paths.database) as store:
            store.track_training(run_dir)
    except ImportError:
        return
    except KnownError as error:
        note(f"This training is not kept in the history. {error}")


class _Watcher:
    """Shows a run's events: JSON lines, or a progress bar with the figures that matter."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._bar = ProgressBar()
        self._total = 0
        self.error = ""

    def __call__(self, event: TrainingEvent) -> None:
        if isinstance(event, Notice) and event.phase == "error":
            self.error = event.message
        if self._as_json:
            print_event(event)
        else:
            self._show(event)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def _show(self, event: TrainingEvent) -> None:
        match event:
            case RunStarted() | StepsPlanned():
                self._total = event.total_steps
            case StepDone():
                figures = f"loss {event.loss:.3f}, agreement {event.agreement:.2f}"
                self._bar("Training", event.step, self._total, figures)
            case EvalDone():
                slots = " ".join(f"{one:.2f}" for one in event.agreement_by_slot)
                self._say(
                    f"Step {event.step}: held out {event.tokens_per_pass:.2f} tokens per pass at "
                    f"{event.threshold}, agreement by slot {slots}"
                )
            case Notice() if event.phase != "error":  # that is the command's last word
                self._say(event.message)
            case WayCompared():
                self._say(_way_text(event))
            case ThresholdAdvised():
                wish = f"Use threshold {event.threshold:g}. " if event.threshold else ""
                self._say(f"{wish}{event.reason}")
            case RunEnded():
                where = f" Adapter: {event.adapter}" if event.adapter else ""
                self._say(f"{event.state.capitalize()} after {event.step} steps.{where}")
            case _:
                pass

    def _say(self, sentence: str) -> None:
        self._bar.close()
        note(sentence)


def _way_text(found: WayCompared) -> str:
    speedup, low, high = found.speedup
    return (
        f"{found.label}: {found.tokens_per_pass[0]:.2f} tokens per pass, "
        f"{speedup:.2f} times as fast ({low:.2f} to {high:.2f}), "
        f"agreement {found.agreement[0]:.3f}, likelihood {found.likelihood[0]:.2f} of the base's"
    )
