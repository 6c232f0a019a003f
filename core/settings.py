"""What the user chose, in a readable TOML file; unknown keys of other versions are kept."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_type_hints

from core.errors import KnownError
from core.typed import is_of


@dataclass(frozen=True, slots=True)
class Settings:
    """One user's choices.

    Attributes:
        device: "auto", "cpu", or the UUID of a CUDA device.
        last_adapter: Model name to the adapter last used with it ("none" counts).
        exact: Whether answers are checked instead of held against the threshold.
        proposals: Who proposes the tokens of an answer.
        model_folders: Further folders in which to look for models.
        offline: Never touch the network, not even for a download the user starts.
    """

    theme: Literal["system", "light", "dark"] = "system"
    offline: bool = False
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    last_model: str = ""
    last_adapter: dict[str, str] = dataclasses.field(default_factory=dict)
    model_folders: tuple[str, ...] = ()
    threshold: float = 0.9
    exact: bool = False
    proposals: Literal["mask rows", "heads", "prompt lookup"] = "mask rows"
    max_new_tokens: int = 512
    system_prompt: str = ""


_FIELDS = {field.name for field in dataclasses.fields(Settings)}


def load_settings(path: Path) -> Settings:
    """The settings of a file, defaults where it is silent or absent.

    Raises:
        KnownError: if the file is not TOML or a value is of another type; it is left as it is.
    """
    known = {key: value for key, value in _read(path).items() if key in _FIELDS}
    if "model_folders" in known:
        folders = known["model_folders"]
        known["model_folders"] = tuple(folders) if isinstance(folders, list) else folders
    settings = Settings(**known)
    for name, hint in get_type_hints(Settings).items():
        if not is_of(getattr(settings, name), hint):
            raise KnownError(
                f"The setting {name} in {path} cannot be {known[name]!r}.",
                "Mend it or take the line out.",
            )
    return settings


def save_settings(path: Path, settings: Settings) -> None:
    """Write the settings atomically, keeping keys this version does not know."""
    import tomli_w

    kept = {key: value for key, value in _read(path).items() if key not in _FIELDS}
    text = tomli_w.dumps({**kept, **dataclasses.asdict(settings)})
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".toml.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KnownError(
            f"The settings file {path} is not readable TOML: {error}.",
            "Mend it or move it away; defaults are used without it.",
        ) from error
