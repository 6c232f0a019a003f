"""Heads and their base model as one plain folder, in the layout of models that ship heads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from core.errors import KnownError
from core.model.adapter_info import INFO_FILE, WEIGHTS_FILE, read_adapter_info
from core.model.heads import DRAFT_IDS
from core.model.install import MANIFEST_FILE

INDEX = "model.safetensors.index.json"
HEADS_FILE = "model-heads.safetensors"
BASE_FILE = "model-base.safetensors"
CONFIG = "config.json"
_OWN = (CONFIG, INDEX, MANIFEST_FILE, INFO_FILE)
"""Written anew, or notes of Stride's own."""


def export_heads(model_path: Path, adapter_path: Path, out: Path) -> Path:
    """Write a model folder whose checkpoint holds the heads of an adapter, too.

    A reduced draft vocabulary has no place in that layout: there they propose all tokens.

    Args:
        model_path: The base model's folder.
        adapter_path: Heads known to fit it.
        out: A new folder.

    Returns:
        The folder.

    Raises:
        KnownError: if the adapter holds no heads, the folder is there already, or the disk full.
    """
    info = read_adapter_info(adapter_path)
    if info.kind != "heads":
        raise KnownError(
            f"{adapter_path.name} is an adapter of the kind {info.kind}: it has no heads.",
            "Choose one that was trained with --kind heads.",
        )
    if out.exists():
        raise KnownError(f"{out} is there already.", "Choose a new folder.")
    base_path = model_path
    if info.joint:
        model_path = adapter_path  # it holds the model that was trained with them
    draft = out.with_name(f".{out.name}.partial")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _write_weights(model_path, adapter_path, draft)
        _write_config(model_path, info.heads, draft)
        _copy_rest(base_path, draft)
        draft.replace(out)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise KnownError(
            f"The model with its heads could not be written to {out}: {error}.",
            "Free some disk space, or choose another folder.",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return out


def _write_weights(model_path: Path, adapter_path: Path, out: Path) -> None:
    weights = load_file(adapter_path / WEIGHTS_FILE)
    weights.pop(DRAFT_IDS, None)
    save_file(weights, out / HEADS_FILE, metadata={"format": "pt"})
    places = dict.fromkeys(weights, HEADS_FILE)
    for file in sorted(set(model_path.glob("*.safetensors")) - {adapter_path / WEIGHTS_FILE}):
        # A file of the usual single name would be taken for the whole checkpoint.
        name = BASE_FILE if file.name == "model.safetensors" else file.name
        with safe_open(file, "pt") as opened:
            names = set(opened.keys())
            if names.isdisjoint(weights):
                shutil.copyfile(file, out / name)
            else:  # heads that the model shipped give way
                rest = {one: opened.get_tensor(one) for one in names.difference(weights)}
                save_file(rest, out / name, metadata={"format": "pt"})
        places |= dict.fromkeys(names.difference(weights), name)
    index = {"metadata": {}, "weight_map": places}
    (out / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _write_config(model_path: Path, heads: int, out: Path) -> None:
    """The model's config, which tells of the heads, and of their layers where it names kinds."""
    config = json.loads((model_path / CONFIG).read_text(encoding="utf-8"))
    text = config.get("text_config", config)
    text["num_mtp_layers"] = heads
    if text.get("layer_types"):
        text["mtp_layer_types"] = ["full_attention"] * heads
    (out / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _copy_rest(model_path: Path, out: Path) -> None:
    """Tokenizer, template, licence: what is neither a weight nor a note of Stride's own."""
    for file in sorted(model_path.iterdir()):
        is_other = file.suffix == ".safetensors" or file.name in _OWN
        if file.is_file() and not is_other:
            shutil.copyfile(file, out / file.name)
