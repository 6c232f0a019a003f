"""A training being planned: what the wizard asks, as plain data in a file. No Qt, no torch."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_type_hints

from core.documents.records import ColumnMap
from core.errors import KnownError
from core.history.training import SPEC_FILE
from core.model.adapter_info import INFO_FILE
from core.paths import Paths
from core.settings import Settings
from core.train import queue
from core.train.plan import plan_spec
from core.train.spec import TrainSpec, read_spec
from core.typed import is_of

Duration = Literal["quick", "balanced", "thorough"]
MINUTES: dict[Duration, int] = {"quick": 10, "balanced": 30, "thorough": 120}
"""How long a training may take; what it reaches in that time depends on the machine."""

ADVANCED = (
    "start_from",
    "kind",
    "passages",
    "k_max",
    "heads",
    "rank",
    "learning_rate",
    "sequences",
    "context",
    "eval_rows",
    "seed",
    "processes",
    "shard",
    "device",
    "dtype",
)
"""Fields of `TrainSpec` that the recipe page offers, most of them under "Advanced"."""

MOST_NAME_BYTES = 120
"""Of an adapter's name: disks take 143 or more, and a new name may get a number behind it."""


@dataclass(frozen=True)
class Draft:
    """Answers given so far; going back and closing the app lose none of them.

    Attributes:
        model: What a `LoadSpec` calls the base model; empty takes the last used.
        name: Of the new adapter, which is its folder's name.
        columns_confirmed: The user agreed to what becomes of tables without known columns.
        keep_chatting: Leave the chat model loaded meanwhile.
        advanced: Fields of `TrainSpec` that were changed, of those in `ADVANCED`.
        page: Where the wizard stood.
    """

    model: str = ""
    data: tuple[str, ...] = ()
    columns: str = ""
    columns_confirmed: bool = False
    leave_out_secrets: bool = True
    name: str = ""
    duration: Duration = "balanced"
    keep_chatting: bool = False
    advanced: Mapping[str, Any] = field(default_factory=dict)
    page: int = 0

    def changed(self, **changes: Any) -> Draft:
        """The draft with other answers."""
        return dataclasses.replace(self, **changes)

    def with_advanced(self, name: str, value: Any) -> Draft:
        """The draft with one advanced setting; None takes it back."""
        rest = {key: one for key, one in self.advanced.items() if key != name}
        return self.changed(advanced=rest if value is None else {**rest, name: value})

    @property
    def is_begun(self) -> bool:
        """Whether there are answers that a new draft does not have."""
        return self.changed(model="", page=0) != Draft()

    def folder(self, paths: Paths) -> Path:
        """Where the adapter will lie."""
        return paths.adapters / self.name

    def spec(self, paths: Paths, settings: Settings) -> TrainSpec:
        """What it asks a training to do.

        Raises:
            KnownError: for what is missing, or does not go together.
        """
        if not self.name:
            raise KnownError("The new adapter has no name.")
        wishes: dict[str, Any] = {
            "model": self.model,
            "data": self.data,
            "columns": self.columns,
            "leave_out_secrets": self.leave_out_secrets,
            "out": str(self.folder(paths)),
            "minutes": float(MINUTES[self.duration]),
            **self.advanced,
        }
        spec = plan_spec(wishes, paths, settings)
        spec.check()
        return spec


def suggest_name(data: tuple[str, ...], paths: Paths) -> str:
    """A name for the adapter of some documents that is not taken yet."""
    stem = Path(data[0]).stem if data else ""
    words = re.sub(r"[^\w-]+", "-", stem).strip("-").lower()
    short = words.encode()[: MOST_NAME_BYTES - len("-999")].decode(errors="ignore")
    plain = short.rstrip("-") or "adapter"
    taken = (plain, *(f"{plain}-{number}" for number in range(2, 1000)))
    coming = _coming(paths)
    folders = ((name, paths.adapters / name) for name in taken)
    return next(name for name, folder in folders if not folder.exists() and folder not in coming)


def name_problem(name: str, paths: Paths) -> str:
    """Why a name cannot be an adapter's, "" if it can."""
    if not name:
        return "The new adapter has no name."
    if len(name.encode(errors="replace")) > MOST_NAME_BYTES:
        return "The name of the new adapter is too long."
    if re.search(r'[\\/:*?"<>|\x00-\x1f]', name) or name.strip(". ") != name:
        return f"“{name}” cannot be the name of a folder."
    if (paths.adapters / name / INFO_FILE).exists():
        return f"There is an adapter “{name}” already."
    if paths.adapters / name in _coming(paths):
        return f"A training under way writes the adapter “{name}”."
    return ""


def _coming(paths: Paths) -> set[Path]:
    """Folders that trainings at work or in line will write to."""
    found = set()
    for run_dir in (*queue.waiting(paths), *queue.at_work(paths)):
        with contextlib.suppress(KnownError):
            found.add(Path(read_spec(run_dir / SPEC_FILE).out))
    return found


def draft_file(paths: Paths) -> Path:
    """Where the draft lies between two starts of the app."""
    return paths.data / "draft.json"


def load_draft(path: Path) -> Draft:
    """The draft of a file; a new one where there is none, or none of this version's."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        draft = Draft(**{**data, "data": tuple(data["data"])})
    except (OSError, ValueError, TypeError, KeyError):
        return Draft()
    return _without_odd_columns(draft) if _is_sound(draft) else Draft()


def _without_odd_columns(draft: Draft) -> Draft:
    """Earlier versions kept whatever was typed."""
    try:
        if draft.columns:
            ColumnMap.parse(draft.columns)
    except KnownError:
        return draft.changed(columns="")
    return draft


def _is_sound(draft: Draft) -> bool:
    hints = get_type_hints(Draft)
    kinds = get_type_hints(TrainSpec)
    plain = [name for name in hints if name != "advanced"]
    return (
        isinstance(draft.advanced, dict)
        and set(draft.advanced) <= set(ADVANCED)
        and all(is_of(getattr(draft, name), hints[name]) for name in plain)
        and all(is_of(value, kinds[name]) for name, value in draft.advanced.items())
    )


def save_draft(path: Path, draft: Draft) -> None:
    """Keep a draft; whole or not at all.

    Raises:
        OSError: if the disk does not take it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(dataclasses.asdict(draft), indent=2) + "\n", encoding="utf-8")
    os.replace(new, path)
