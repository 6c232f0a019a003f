"""What models are on this machine: Stride's own, the user's folders, the Hugging Face cache.

Nothing here touches the network or loads a tensor library; only headers of files are read.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import KnownError
from core.model.fingerprint import read_header, weight_files
from core.model.install import Progress as Progress
from core.model.install import damage, read_manifest
from core.model.starter import NAME as STARTER_NAME
from core.paths import Paths
from core.settings import Settings

Source = Literal["stride", "folder", "hugging_face_cache"]
Fit = Literal["fits", "tight", "does not fit"]

PICKLE_PROBLEM = "refused: pickle checkpoint, which could run any code (safetensors only)"
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_LICENCE_LINE = re.compile(r"^(license|license_name):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_CAUSAL = re.compile(r"(ForCausalLM|LMHeadModel)$")
_FRAMEWORK_BYTES = 600 << 20  # what torch and transformers take before any weight
_WORKING_SHARE = 1.15  # weights, and beside them the cache and the activations of an answer


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model on this machine.

    Attributes:
        name: What the user calls it: a folder's name, or owner/name for the Hub's.
        size_bytes: What its weight files take on the disk.
        licence: As its card names it, "" where it is silent.
        problem: Why it cannot be used, one sentence, "" if it can.
    """

    name: str
    path: Path
    source: Source
    size_bytes: int
    licence: str
    problem: str


def list_models(paths: Paths, settings: Settings) -> tuple[ModelEntry, ...]:
    """Every causal language model found, Stride's own first; incomplete ones with `problem`."""
    found: dict[Path, ModelEntry] = {}
    for name, folder, source in _candidates(paths, settings):
        key = folder.resolve()
        entry = None if key in found else inspect_folder(name, folder, source)
        if entry:
            found[key] = entry
    return tuple(found.values())


def _candidates(paths: Paths, settings: Settings) -> Iterator[tuple[str, Path, Source]]:
    for folder in _subfolders(paths.models):
        manifest = read_manifest(folder)
        if manifest and ".partial-" not in folder.name:
            yield manifest.name, folder, "stride"
    for root in map(Path, settings.model_folders):
        yield root.name, root, "folder"
        for folder in _subfolders(root):
            yield folder.name, folder, "folder"
            for inner in _subfolders(folder):
                yield f"{folder.name}/{inner.name}", inner, "folder"
    for repo in _subfolders(hub_cache()):
        snapshot = _snapshot(repo) if repo.name.startswith("models--") else None
        if snapshot:
            yield _hub_name(repo), snapshot, "hugging_face_cache"


def _hub_name(repo: Path) -> str:
    """Owner and name of a model's folder in the Hugging Face cache."""
    return repo.name.removeprefix("models--").replace("--", "/")


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:  # absent, or not ours to read
        return []


def hub_cache() -> Path:
    """The Hugging Face cache, by the variables its own library reads."""
    for name, rest in (
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if value := os.environ.get(name):
            return Path(os.path.expandvars(value)).expanduser() / rest
    return Path.home() / ".cache" / "huggingface" / "hub"


def _snapshot(repo: Path) -> Path | None:
    """The snapshot that `main` names, or else the newest one."""
    try:
        commit = (repo / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        commit = ""
    if commit and (repo / "snapshots" / commit).is_dir():
        return repo / "snapshots" / commit
    return max(_subfolders(repo / "snapshots"), key=lambda one: one.stat().st_mtime, default=None)


def inspect_folder(name: str, folder: Path, source: Source) -> ModelEntry | None:
    """The model of a folder, or None if it holds no causal language model."""
    manifest = read_manifest(folder)
    config = _read_config(folder)
    if config is None and manifest is None:
        return None
    if config is not None and not is_causal(config):
        return None
    problem = (damage(folder, manifest) if manifest else "") or _problem(folder, config or {})
    licence = manifest.licence if manifest else _card_licence(folder)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors") if file.exists())
    return ModelEntry(name, folder, source, size, licence, problem)


def _read_config(folder: Path) -> dict[str, Any] | None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return config if isinstance(config, dict) else None


def is_causal(config: dict[str, Any]) -> bool:
    """Whether a model's configuration names a causal language model."""
    return any(_CAUSAL.search(str(name)) for name in config.get("architectures") or ())


def _problem(folder: Path, config: dict[str, Any]) -> str:
    """Why the model in a folder cannot be used, or nothing; every shard is looked at."""
    if not any(folder.glob("*.safetensors*")):
        pickled = any(file for pattern in _PICKLES for file in folder.glob(pattern))
        return PICKLE_PROBLEM if pickled else "incomplete: its weights are not here"
    if method := (config.get("quantization_config") or {}).get("quant_method"):
        return f"quantised weights ({method}) are not supported; take the plain model"
    try:
        for file in weight_files(folder):
            read_header(file)
    except KnownError as error:
        return error.sentence.rstrip(".")
    tokenizers = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
    if not any((folder / file).exists() for file in tokenizers):
        return "incomplete: its tokenizer is not here"
    return ""


def _card_licence(folder: Path) -> str:
    """The licence that the front matter of README.md names; its own name goes before "other"."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    front = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
    pairs = _LICENCE_LINE.findall(front[1]) if front else []
    fields: dict[str, str] = {key: value.strip("\"'") for key, value in pairs}
    licence = fields.get("license", "")
    return fields.get("license_name", licence) if licence == "other" else licence


def find_model(name_or_path: str, paths: Paths, settings: Settings) -> ModelEntry:
    """The model of a name ("starter" counts) or a path; a whole one goes before others.

    Raises:
        KnownError: if there is no such model here.
    """
    wish = STARTER_NAME if name_or_path == "starter" else name_or_path
    named = [entry for entry in list_models(paths, settings) if entry.name == wish]
    if named:
        return min(named, key=lambda entry: bool(entry.problem))
    folder = Path(wish).expanduser()
    if wish and folder.exists():
        return _entry_at(folder.absolute())
    raise _unknown(wish)


def resolve_model(name_or_path: str, paths: Paths, settings: Settings) -> Path:
    """The folder of a usable model; see `usable_model`."""
    return usable_model(name_or_path, paths, settings).path


def usable_model(name_or_path: str, paths: Paths, settings: Settings) -> ModelEntry:
    """A model that can be used, by its name ("starter" counts) or its path.

    Raises:
        KnownError: if there is no such model here or it cannot be used, with the reason.
    """
    entry = find_model(name_or_path, paths, settings)
    if entry.problem:
        raise KnownError(
            f"The model {entry.name} in {entry.path} cannot be used: {entry.problem}.",
            "Fetch a whole copy with `stride models fetch`, or choose another model.",
        )
    return entry


def _entry_at(folder: Path) -> ModelEntry:
    """The model at a path the user named.

    Raises:
        KnownError: if there is none.
    """
    if not folder.is_dir():
        raise KnownError(f"{folder} is a file, not a model folder.", "Name the folder it is in.")
    is_snapshot = folder.parent.name == "snapshots"  # its own name is a commit's hash
    name = _hub_name(folder.parent.parent) if is_snapshot else folder.name
    entry = inspect_folder(name, folder, "folder")
    if entry is None:
        raise KnownError(
            f"The folder {folder} holds no causal language model.",
            "A model folder has a config.json, a tokenizer and safetensors weights.",
        )
    return entry


def _unknown(name: str) -> KnownError:
    if name == STARTER_NAME:
        return KnownError(
            "The starter model is not on this machine yet.",
            "Fetch it with `stride models fetch`.",
        )
    return KnownError(
        f'There is no model named "{name}" on this machine.',
        "`stride models list` shows what is here; `stride models fetch OWNER/NAME` gets one.",
    )


def memory_needed(entry: ModelEntry, dtype: str) -> int:
    """Bytes that answering with a model takes, about; "auto" is counted as float32."""
    try:
        headers = [read_header(file) for file in weight_files(entry.path)]
    except KnownError:
        return 0
    count = sum(math.prod(tensor.shape) for header in headers for tensor in header)
    return int(count * (2 if dtype == "bfloat16" else 4) * _WORKING_SHARE) + _FRAMEWORK_BYTES


def fits(entry: ModelEntry, free_bytes: int, dtype: str = "auto") -> Fit:
    """Whether a model fits into memory that is free now; "tight" leaves less than a fifth."""
    return judge_fit(memory_needed(entry, dtype), free_bytes)


def judge_fit(need_bytes: int, free_bytes: int) -> Fit:
    """The same from a need that is known already."""
    if need_bytes > free_bytes:
        return "does not fit"
    return "fits" if need_bytes <= 0.8 * free_bytes else "tight"
