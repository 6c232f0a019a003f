"""From wishes to a whole spec, and from a spec to the command that runs it."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import KnownError
from core.model.adapter_info import (
    Kind,
    choose_adapter,
    fits,
    read_adapter_info,
    starter_adapter,
)
from core.model.store import resolve_model
from core.paths import Paths
from core.settings import Settings
from core.train.spec import OWN_HEADS, TrainSpec

FULL_LEARNING_RATE = 5e-5
"""Of every weight; the paper's 1e-5 is meant for ten thousands of steps."""
HEADS_LEARNING_RATE = 2e-3
"""Of new heads: 1e-3 and 4e-3 learned a little slower in 100 steps on the starter."""


def plan_spec(wishes: Mapping[str, Any], paths: Paths, settings: Settings) -> TrainSpec:
    """The spec of some wishes, with the defaults that follow from model and adapter.

    Args:
        wishes: Fields of `TrainSpec` by name. `model` may be a name, by default the last used
            or the starter; `start_from` may be "auto", "starter", "none", "own"
            or a folder.
        paths: The user's folders.
        settings: Device and dtype where none is wished.

    Raises:
        KnownError: for a model, adapter or document that is not there, or without `out`.
    """
    given = {"device": settings.device, "dtype": settings.dtype, **wishes}
    given["data"] = tuple(_document(one) for one in given.get("data", ()))
    ranks = max(1, given.get("processes", 1))
    if ranks > 1 and "sequences" not in given:
        given["sequences"] = -(-TrainSpec.sequences // ranks) * ranks  # a row each at least
    if "sequences" in given and "micro_sequences" not in given:
        given["micro_sequences"] = _divisor(given["sequences"], TrainSpec.micro_sequences)
    if not given.get("out"):
        raise KnownError("Where shall the adapter go?", "Give --out FOLDER.")
    given["out"] = _absolute(given["out"])
    model = resolve_model(given.get("model") or settings.last_model or "starter", paths, settings)
    given["model"] = str(model)
    given["start_from"] = _start_from(given, model, paths, settings)
    rate = {"learning_rate": default_of("learning_rate", given.get("kind"))}
    return TrainSpec(**(rate | _shape_of_start(given["start_from"]) | given))


def default_of(name: str, kind: Kind | None) -> Any:
    """What a field of `TrainSpec` is for a kind of adaptation where nothing is wished."""
    rates = {"full": FULL_LEARNING_RATE, "heads": HEADS_LEARNING_RATE}
    if name == "learning_rate" and kind in rates:
        return rates[kind]
    return getattr(TrainSpec, name)


def command_line(spec: TrainSpec) -> str:
    """The `stride train` command of a spec, to paste into this platform's shell.

    It can name what the command line has options for, which is all that the wizard asks.
    """
    words = ["stride", "train", "--model", spec.model]
    for path in spec.data:
        words += ["--data", path]
    words += ["--from", spec.start_from, "--device", spec.device, "--dtype", spec.dtype]
    for name, value in _changed(spec).items():
        option = f"--{name.replace('_', '-')}"
        words += [option] if value is True else [option, f"{value}"]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _changed(spec: TrainSpec) -> dict[str, Any]:
    """Settings other than the defaults, without those that the command works out again."""
    follows = {"model", "data", "start_from", "device", "dtype", "micro_sequences"}
    shape = _shape_of_start(spec.start_from)
    names = [field.name for field in dataclasses.fields(TrainSpec) if field.name not in follows]
    return {
        name: getattr(spec, name)
        for name in names
        if name == "out" or getattr(spec, name) != shape.get(name, default_of(name, spec.kind))
    }


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _document(path: str) -> str:
    """The whole path of a file or folder to learn from."""
    if not path.strip() or not os.path.lexists(found := _absolute(path)):
        raise KnownError(f"There is no file or folder {path!r}.", "Look at its name.")
    return found


def _divisor(number: int, most: int) -> int:
    """The largest divisor of a number that is at most `most`; 1 for what has none."""
    return max((one for one in range(1, most + 1) if number % one == 0), default=1)


def _start_from(given: Mapping[str, Any], model: Path, paths: Paths, settings: Settings) -> str:
    """The adapter to go on from; by default the shipped one where it fits, for a gated one.

    Not the one last used: what another domain has taught is no place to begin from unasked.
    """
    wish = given.get("start_from", "auto")
    if wish == OWN_HEADS:
        return OWN_HEADS
    if wish == "auto":
        is_gated = given.get("kind", "gated") == "gated"
        wish = "starter" if is_gated and fits(starter_adapter(), model, paths) else "none"
    folder = choose_adapter(wish, model, paths, settings)
    return "none" if folder is None else str(folder.absolute())


def _shape_of_start(start_from: str) -> dict[str, Any]:
    """Rank and slots of the adapter that is gone on from; a wish for others is refused later."""
    if start_from in ("none", OWN_HEADS):
        return {}
    info = read_adapter_info(Path(start_from))
    if info.kind == "heads":
        return {"heads": info.heads, "draft_vocabulary": info.draft_vocabulary}
    return {"k_max": info.k_max, "rank": info.rank, "slot_vectors": info.slot_vectors}
