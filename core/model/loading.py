"""From folders on disk to a model in memory, with or without an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.errors import KnownError
from core.model.adapter_info import (
    WEIGHTS_FILE,
    AdapterInfo,
    adapter_draft,
    read_adapter_info,
)
from core.model.adapters import FullMaskRows, GatedAdapter, MaskRows
from core.model.fingerprint import text_fingerprint
from core.model.mask_token import find_mask_token
from core.model.output import prepare_layers

if TYPE_CHECKING:
    from core.model.heads import Heads

_DAMAGE = (OSError, ValueError, KeyError, SafetensorError, StrictDataclassError)


@dataclass
class Loaded:
    """A model ready to run; `masks` is None without an adapter.

    Attributes:
        heads: What drafts behind it: an adapter of that kind, or without one the model's own.
        notice: A sentence the user should see, else "".
        is_changed: Whether a training has changed the base model's own weights.
    """

    model: Any
    tokenizer: Any
    masks: MaskRows | None
    device: torch.device
    dtype: torch.dtype
    notice: str = ""
    heads: Heads | None = None
    is_changed: bool = False


def load(
    model_path: Path, adapter_path: Path | None, device: torch.device, dtype: torch.dtype
) -> Loaded:
    """Load a base model and, if given, an adapter already known to fit it.

    Raises:
        KnownError: if files are missing, truncated or of an unsupported kind, or memory is short.
    """
    info = read_adapter_info(adapter_path) if adapter_path else None
    folder = adapter_path if info and info.holds_model else model_path
    assert folder is not None
    model, tokenizer = load_base(folder, device, dtype)
    loaded = Loaded(model, tokenizer, None, device, dtype, _template_notice(tokenizer, info))
    if info and adapter_path:
        loaded.is_changed = info.holds_model
        _attach(loaded, adapter_path, info)
    elif getattr(model.config.get_text_config(), "num_mtp_layers", None):
        _attach_shipped_heads(loaded)
    return loaded


def _attach_shipped_heads(loaded: Loaded) -> None:
    """A model that ships heads comes with them; without, if they cannot be read."""
    from core.model.heads import shipped_heads

    try:
        loaded.heads = shipped_heads(loaded.model)
    except KnownError as error:
        loaded.notice = str(error)


def _attach(loaded: Loaded, folder: Path, info: AdapterInfo) -> None:
    model, device = loaded.model, loaded.device
    match info.kind:
        case "full":
            mask_id = find_mask_token(loaded.tokenizer, info.mask_token)
            loaded.masks = FullMaskRows(model, mask_id, info.k_max)
        case "gated":
            # On the CPU a pass computes the updates in float32 (see `GatedLinear`).
            held = torch.float32 if device.type == "cpu" else loaded.dtype
            loaded.masks = load_gated(model, folder, info).to(device=device, dtype=held)
        case "heads":
            from core.model.heads import load_heads

            loaded.heads = load_heads(model, folder, info)


def _template_notice(tokenizer: Any, info: AdapterInfo | None) -> str:
    """What to say where a chat is rendered otherwise than in the adapter's training."""
    if info is None or text_fingerprint(tokenizer.chat_template or "") == info.template_fingerprint:
        return ""
    return (
        "The adapter was trained with another chat template than this model has now: its guesses "
        "may be kept less often."
    )


def load_base(folder: Path, device: torch.device, dtype: torch.dtype) -> tuple[Any, Any]:
    """Model (eval mode, frozen) and tokenizer of a safetensors folder; no remote code runs.

    Raises:
        KnownError: with what is wrong with the folder.
    """
    _refuse_pickle(folder)
    tokenizer = load_tokenizer(folder)
    try:
        auto: Any = AutoModelForCausalLM  # its types do not know of `output_loading_info`
        model, found = auto.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
        model.to(device)
    except torch.OutOfMemoryError as error:
        raise KnownError(
            f"Not enough memory on {device} for the model in {folder}.",
            "Close other programs, choose another device, or a smaller model.",
        ) from error
    except (*_DAMAGE, RuntimeError) as error:  # RuntimeError: shapes other than the config's
        raise _unfit(folder, _first_line(error)) from error
    if missing := sorted(found["missing_keys"]):
        # transformers would fill them with random numbers and only warn.
        raise _unfit(folder, f"its files lack {len(missing)} weights, {missing[0]} among them.")
    model.eval().requires_grad_(False)
    prepare_layers(model)
    return model, tokenizer


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder alone, in a moment.

    Raises:
        KnownError: with what is wrong with the folder.
    """
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except _DAMAGE as error:
        raise _unfit(folder, _first_line(error)) from error


def _refuse_pickle(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise KnownError(f"{folder} holds no model (config.json is missing).")
    if any(folder.glob("*.safetensors")):
        return
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pth")):
        raise KnownError(
            f"{folder} holds a pickle checkpoint, which could run code when opened.",
            "Convert it to safetensors first.",
        )
    raise KnownError(f"{folder} holds no weights in safetensors.", "Fetch the model again.")


def _unfit(folder: Path, why: str) -> KnownError:
    return KnownError(
        f"The model in {folder} cannot be loaded: {why}",
        "Check that its files are complete, or fetch it again.",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def load_gated(model: Any, folder: Path, info: AdapterInfo) -> GatedAdapter:
    """Attach the gated adapter of a folder to a model.

    Raises:
        KnownError: if its file is damaged or does not match the model.
    """
    adapter = GatedAdapter(model, info.rank, info.k_max, info.slot_vectors)
    try:
        adapter.load_weights(load_file(folder / WEIGHTS_FILE))
    except (OSError, ValueError, SafetensorError) as error:
        raise KnownError(
            f"The adapter in {folder} cannot be loaded: {_first_line(error)}",
            "Its file is damaged; fetch or train it again.",
        ) from error
    return adapter


def save_gated(weights: Mapping[str, Tensor], folder: Path, info: AdapterInfo) -> None:
    """Write a gated adapter's weights in bfloat16.

    Raises:
        KnownError: if it cannot be written; an older one in the folder stays.
    """
    half = {name: tensor.to(torch.bfloat16).cpu().contiguous() for name, tensor in weights.items()}
    with adapter_draft(folder, info) as draft:
        save_file(half, draft / WEIGHTS_FILE)
