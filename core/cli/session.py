"""What the commands that load a model share: their options, Ctrl+C, what is remembered."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import types
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import ProgressBar, note
from core.control import Cancel, Threshold
from core.engine.request import LoadSpec, Request, SessionInfo, Strategy
from core.errors import KnownError
from core.events import GenerationEvent
from core.paths import Paths
from core.settings import Settings, save_settings

if TYPE_CHECKING:
    from core.engine.session import Session


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which model runs, with which adapter, where."""
    parser.add_argument("--model", help="name or folder; default: last used, else the starter")
    parser.add_argument(
        "--adapter",
        default="auto",
        help="none, starter, starter-heads, or a folder; default: the one that fits",
    )
    parser.add_argument("--dtype", choices=("auto", "float32", "bfloat16"))
    parser.add_argument("--device", help="auto, cpu, cuda:N or a GPU's UUID")


def wished_threshold(args: argparse.Namespace, settings: Settings) -> Threshold:
    """The threshold of the options, else the user's.

    Raises:
        KnownError: for one outside 0..1.
    """
    return Threshold(settings.threshold if args.threshold is None else args.threshold)


def settle_strategy(args: argparse.Namespace, info: SessionInfo, threshold: Threshold) -> Strategy:
    """The strategy of the options, else what the adapter was made for.

    Heads end their chains by worth alone, unless a threshold was named.
    """
    made_for: Strategy = "heads" if info.heads and info.k_max == 1 else "confadapt"
    strategy: Strategy = args.strategy or made_for
    if strategy == "heads" and args.threshold is None:
        threshold.set(0.0)
    return strategy


def load_spec(args: argparse.Namespace, settings: Settings) -> LoadSpec:
    """What to load: the options, and the settings where they are silent."""
    return LoadSpec(
        model=args.model or settings.last_model or "starter",
        adapter=args.adapter,
        device=args.device or settings.device,
        dtype=args.dtype or settings.dtype,
    )


def open_from(
    args: argparse.Namespace, paths: Paths, settings: Settings, *, remember: bool = True
) -> Session:
    """Load what the options name, and remember what they named if that is wished.

    Raises:
        KnownError: see `core.engine.session.open_session`.
    """
    from core.engine.session import open_session

    progress = ProgressBar()
    try:
        session = open_session(load_spec(args, settings), paths, settings, progress)
    finally:
        progress.close()
    if session.info.notice:
        note(session.info.notice)
    if remember:
        _remember(args, session.info, paths, settings)
    return session


def _remember(
    args: argparse.Namespace, info: SessionInfo, paths: Paths, settings: Settings
) -> None:
    """Keep an explicitly chosen model and adapter as the next default."""
    chosen = settings
    if args.model:
        path = Path(args.model).expanduser()
        name = str(path.resolve()) if path.is_dir() else args.model
        chosen = dataclasses.replace(chosen, last_model=name)
    if args.adapter != "auto":
        path = Path(args.adapter).expanduser()
        name = str(path.resolve()) if path.is_dir() else args.adapter
        adapters = {**chosen.last_adapter, Path(info.model_path).name: name}
        chosen = dataclasses.replace(chosen, last_adapter=adapters)
    if chosen == settings:
        return
    try:
        save_settings(paths.settings_file, chosen)
    except ImportError:
        return  # a GPU server without the library that writes settings: nothing is remembered
    except OSError as error:
        note(f"The choice is not remembered: {error}.")


@contextmanager
def cancel_on_ctrl_c(cancel: Cancel) -> Iterator[None]:
    """Inside, the first Ctrl+C sets `cancel`; a second one interrupts at once."""

    def on_signal(number: int, frame: types.FrameType | None) -> None:  # noqa: ARG001
        cancel.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def recorded(
    events: Iterator[GenerationEvent], paths: Paths, request: Request, info: SessionInfo
) -> Iterator[Iterator[GenerationEvent]]:
    """The events, kept in the history as they pass where a history can be kept.

    A GPU server may lack the database library, and no trouble with the history may cost the
    user an answer.
    """
    try:
        from core.history.recorder import record_answer
        from core.history.store import HistoryStore

        store = HistoryStore(paths.database)
    except ImportError:
        yield events
        return
    except KnownError as error:
        note(f"This answer is not kept in the history. {error}")
        yield events
        return
    if store.notice:
        note(store.notice)
    kept = record_answer(events, store=store, request=request, info=info, source="cli", warn=note)
    with store, closing(kept):
        yield kept
