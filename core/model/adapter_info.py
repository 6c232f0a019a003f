"""Adapter folders: what they hold, which one fits a model. Light: no torch."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from safetensors import SafetensorError

from core.control import Cancel
from core.errors import KnownError
from core.model.fingerprint import cached_weights_hash
from core.paths import Paths, resources
from core.settings import Settings

INFO_FILE = "stride-adapter.json"
WEIGHTS_FILE = "adapter.safetensors"
FORMAT_VERSION = 2
"""The newest; written only for what an older Stride would take for something else."""
_MOST_SLOTS = 16
MOST_HEADS = _MOST_SLOTS - 1
"""Each adds a slot to the one that the model itself predicts."""

SHIPPED = {"starter": "adapter", "starter-heads": "heads"}
"""Adapters that come with Stride, and their folders among its resources."""

Kind = Literal["gated", "full", "heads"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class AdapterInfo:
    """The JSON beside an adapter's weights.

    Attributes:
        k_max: Slots a pass it was trained for, slot 1 included.
        base_hash: Hash of the base model's weights; another base is refused.
        template_fingerprint: Hash of the chat template it was trained with.
        rank: Rank of the low-rank update (gated only).
        slot_vectors: Whether each slot has a mask vector of its own (gated only).
        mask_token: Token string of the mask (full only).
        heads: How many heads, one to each slot behind slot 1 (heads only).
        draft_vocabulary: How many tokens they can propose; 0 is all (heads only).
        joint: Whether the base model was trained with them (heads only).
        training: Summary for people: data, steps, supervised slots, seconds, hardware.
    """

    kind: Kind
    k_max: int
    base_model: str
    base_hash: str
    base_licence: str
    template_fingerprint: str
    method: str = "self-distillation, hard teacher on the student's own block"
    rank: int = 0
    slot_vectors: bool = True
    mask_token: str = ""
    heads: int = 0
    draft_vocabulary: int = 0
    joint: bool = False
    training: dict[str, Any] = field(default_factory=dict)
    format_version: int = 1

    @property
    def holds_model(self) -> bool:
        """Whether its folder holds a whole model, in the base model's place."""
        return self.kind == "full" or self.joint


@contextmanager
def adapter_draft(folder: Path, info: AdapterInfo) -> Iterator[Path]:
    """A folder to write an adapter's weights to; at the end all files get their places.

    Until then an older adapter in `folder` stays as it is; other files there are left alone.
    While they move there is no JSON in `folder`, so that a mixture never counts as an adapter.

    Raises:
        KnownError: if the disk is full or not writable.
    """
    draft = folder / ".partial"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        text = json.dumps(dataclasses.asdict(info), indent=2, ensure_ascii=False)
        about = draft / INFO_FILE
        about.write_text(text + "\n", encoding="utf-8")
        yield draft
        (folder / INFO_FILE).unlink(missing_ok=True)
        for part in sorted(draft.iterdir(), key=lambda one: one == about):
            if part.is_dir():
                shutil.rmtree(folder / part.name, ignore_errors=True)
            else:
                shutil.copymode(about, part)  # safetensors lets only the owner read
            os.replace(part, folder / part.name)
    except (OSError, SafetensorError) as error:
        raise KnownError(
            f"The adapter could not be written to {folder}: {error}.",
            "Free some disk space, or choose another folder.",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def export_adapter(folder: Path, into: Path) -> Path:
    """Copy an adapter's folder into another one, whole or not at all.

    Returns:
        The copy, which has the adapter's name.

    Raises:
        KnownError: if there is no adapter, the name is taken there, or the disk refuses.
    """
    read_adapter_info(folder)
    out = into / folder.name
    if out.exists():
        raise KnownError(f"{out} is there already.", "Choose another folder.")
    if into.resolve().is_relative_to(folder.resolve()):
        raise KnownError("An adapter cannot be copied into itself.", "Choose another folder.")
    try:
        with tempfile.TemporaryDirectory(prefix=".stride-", dir=into) as draft:
            os.replace(shutil.copytree(folder, Path(draft) / folder.name), out)
    except OSError as error:
        raise KnownError(
            f"The adapter could not be copied to {into}: {error}.",
            "Free some disk space, or choose another folder.",
        ) from error
    return out


def read_adapter_info(folder: Path) -> AdapterInfo:
    """Read the JSON of an adapter folder.

    Raises:
        KnownError: if the folder holds no adapter, or one this version cannot read.
    """
    path = folder / INFO_FILE
    if not path.is_file():
        raise KnownError(
            f"{folder} holds no Stride adapter ({INFO_FILE} is missing).",
            "Choose a folder written by `stride train`.",
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = int(data["format_version"])
        names = {one.name for one in dataclasses.fields(AdapterInfo)}
        info = AdapterInfo(**{key: value for key, value in data.items() if key in names})
        _check_values(info)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise KnownError(f"{path} cannot be read: {error}.", "Fetch or train it again.") from error
    if version > FORMAT_VERSION:
        raise KnownError(f"{folder.name} was written by a newer Stride.", "Update Stride.")
    if not (folder / WEIGHTS_FILE).is_file() and info.kind != "full":
        raise KnownError(f"{folder} lacks {WEIGHTS_FILE}.", "Fetch or train it again.")
    return info


def _check_values(info: AdapterInfo) -> None:
    """Refuse what no training writes, before a model is loaded for it.

    Raises:
        ValueError: naming the value.
    """
    if info.kind not in KINDS:
        raise ValueError(f"kind is {info.kind!r}")
    if type(info.k_max) is not int or not 2 <= info.k_max <= _MOST_SLOTS:
        raise ValueError(f"k_max is {info.k_max!r}")
    if info.kind == "gated" and (type(info.rank) is not int or info.rank < 1):
        raise ValueError(f"rank is {info.rank!r}")
    if type(info.joint) is not bool or (info.joint and info.kind != "heads"):
        raise ValueError(f"joint is {info.joint!r}")
    if info.kind == "heads" and (type(info.heads) is not int or info.heads != info.k_max - 1):
        raise ValueError(f"heads is {info.heads!r}")


def starter_adapter() -> Path:
    """The shipped adapter of the starter model."""
    return shipped_adapter("starter")


def shipped_adapter(name: str) -> Path:
    """The folder of an adapter that comes with Stride, one of `SHIPPED`."""
    return resources() / "starter" / SHIPPED[name]


def adapter_name(folder: Path) -> str:
    """What to call an adapter."""
    return next((name for name in SHIPPED if folder == shipped_adapter(name)), folder.name)


def list_adapters(paths: Paths) -> list[Path]:
    """Readable adapter folders: the shipped ones first, then the user's own, newest first."""
    own = [path.parent for path in paths.adapters.glob(f"*/{INFO_FILE}")]
    own.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [folder for folder in (*map(shipped_adapter, SHIPPED), *own) if _readable(folder)]


def _readable(folder: Path) -> bool:
    try:
        read_adapter_info(folder)
    except KnownError:
        return False
    return True


def check_fits(
    info: AdapterInfo, model_path: Path, paths: Paths, cancel: Cancel | None = None
) -> None:
    """Refuse an adapter trained on other weights.

    Raises:
        KnownError: naming the base the adapter belongs to.
        Cancelled: if that was asked for while the weights were read.
    """
    if cached_weights_hash(model_path, paths.cache, cancel) != info.base_hash:
        raise KnownError(
            f"This adapter belongs to {info.base_model}, not to the weights in {model_path}.",
            "Choose an adapter trained on this model, or none.",
        )


def fits(folder: Path, model_path: Path, paths: Paths) -> bool:
    """Whether an adapter was trained on exactly these weights."""
    try:
        check_fits(read_adapter_info(folder), model_path, paths)
    except KnownError:
        return False
    return True


def choose_adapter(
    wish: str,
    model_path: Path,
    paths: Paths,
    settings: Settings,
) -> Path | None:
    """The adapter folder meant by `wish`.

    Args:
        wish: "none"; one of `SHIPPED`; a folder or the name of one below the user's adapters; or
            "auto": the one last used with this model, else the shipped one if it fits.
        model_path: The base model's folder.
        paths: The user's folders.
        settings: Knows what was last used.

    Raises:
        KnownError: if a named adapter is missing, unreadable or belongs to another base.
    """
    if wish == "none":
        return None
    if wish == "auto":
        last = settings.last_adapter.get(model_path.name, "starter")
        if last == "none":
            return None
        candidates = (_folder_of(last, paths), starter_adapter())
        return next((one for one in candidates if fits(one, model_path, paths)), None)
    folder = _folder_of(wish, paths)
    check_fits(read_adapter_info(folder), model_path, paths)
    return folder


def _folder_of(wish: str, paths: Paths) -> Path:
    if wish in SHIPPED:
        return shipped_adapter(wish)
    named = paths.adapters / wish
    return named if named.is_dir() else Path(wish).expanduser()
