"""Heads that draft tokens behind a model: cascaded, each a transformer block of its own.

Head 1 reads the model's last hidden row at position t with token t + 1 and proposes token t + 2;
head n reads the row of head n - 1 with token t + n and proposes token t + n + 1. Embedding and
output matrix are the model's own (DeepSeek-V3, arXiv 2412.19437, section "Multi-Token
Prediction"; trained as in MTP-D, arXiv 2603.23911). The modules are transformers' own `MtpModel`
and `MtpLayer`, and weights are kept by the names of a checkpoint that ships heads.

Shapes: B rows, T positions, H hidden size, V tokens that can be drafted.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers.cache_utils import MtpCache
from transformers.modeling_layers import MtpModel

from core.errors import KnownError
from core.model.adapter_info import WEIGHTS_FILE, AdapterInfo, adapter_draft
from core.model.linear import use_rows_linear
from core.model.output import some_rows

DRAFT_IDS = "draft_token_ids"
_LAYER = re.compile(r"layers\.(\d+)\.(.+)")


class _Mtp(MtpModel):  # type: ignore[no-untyped-call]
    """Transformers' heads, built without a touch at the weights they share with the model."""

    def init_weights(self) -> None:
        """Nothing: it would draw embedding and output matrix of an unsaved model anew."""


class Heads:
    """Heads behind a causal language model that they do not own.

    Args:
        model: The model.
        mtp: Transformers' module of its heads.

    Attributes:
        count: How many heads.
        layers: Their weights, one module a head.
        draft_ids: [V] tokens they can propose, ascending; None is the whole vocabulary.
    """

    def __init__(self, model: Any, mtp: MtpModel) -> None:
        self._mtp: Any = mtp
        self._hidden_layers = int(model.config.get_text_config().num_hidden_layers)
        self._whole: nn.Linear = model.get_output_embeddings()
        self.layers: nn.ModuleList = self._mtp.layers
        self.count = len(self.layers)
        self.draft_ids: Tensor | None = None

    def new_cache(self) -> MtpCache:
        """A cache with a layer for each head."""
        return MtpCache(config=self._mtp.config)

    def run(
        self, head: int, hidden: Tensor, token_ids: Tensor, first: int, cache: MtpCache | None
    ) -> Tensor:
        """The rows [B, T, H] of a head.

        Args:
            head: Which one, from 0.
            hidden: [B, T, H] rows of the head before (of the model for the first) at consecutive
                positions.
            token_ids: [B, T] the tokens head + 1 places behind each of them.
            first: The first of these positions.
            cache: Its entries of the positions before; None where the rows are all there is.
        """
        at = first + 1 + head
        positions = torch.arange(at, at + hidden.shape[1], device=hidden.device)[None]
        rows = self._mtp.forward_layer(head, hidden, positions, cache, input_ids=token_ids)
        return cast("Tensor", rows)

    def logits(self, rows: Tensor) -> Tensor:
        """Logits [..., V] of rows [..., H] over the tokens that can be drafted."""
        return cast("Tensor", self._mtp._project_to_logits(rows))  # noqa: SLF001  (scales, too)

    def use_draft_ids(self, draft_ids: Tensor | None) -> None:
        """Let them propose some tokens only, by a small copy of the output matrix's rows.

        A draft then costs no pass over the whole matrix; what they cannot propose comes from
        the model itself, which verifies them, so that the answer stays the same.
        """
        self.draft_ids = draft_ids
        if draft_ids is None:
            self._mtp.shared_head = self._whole
            return
        whole = self._whole
        self.draft_ids = draft_ids = draft_ids.to(whole.weight.device).sort().values
        self._mtp.shared_head = some_rows(whole, draft_ids)

    @contextmanager
    def whole_vocabulary(self) -> Iterator[Any]:
        """Inside, they propose all tokens; gives transformers' own module of them."""
        before, self.draft_ids = self.draft_ids, None
        rows, self._mtp.shared_head = self._mtp.shared_head, self._whole
        try:
            yield self._mtp
        finally:
            self.draft_ids, self._mtp.shared_head = before, rows

    def tokens(self, picks: Tensor) -> Tensor:
        """Token ids [...] of places [...] in the logits."""
        return picks if self.draft_ids is None else self.draft_ids[picks]

    def places(self, token_ids: Tensor) -> Tensor:
        """Places [...] of tokens [...] in the logits, -1 where they cannot be drafted."""
        if self.draft_ids is None:
            return token_ids
        found = torch.searchsorted(self.draft_ids, token_ids).clamp(max=len(self.draft_ids) - 1)
        return torch.where(self.draft_ids[found] == token_ids, found, -1)

    def weights(self) -> dict[str, Tensor]:
        """All weights by the names of a checkpoint, and the draft tokens."""
        named = {
            self._checkpoint_name(name): one.detach()
            for name, one in self._mtp.named_parameters()
            if _LAYER.fullmatch(name)
        }
        return named if self.draft_ids is None else {**named, DRAFT_IDS: self.draft_ids}

    def load_weights(self, weights: Mapping[str, Tensor], group: int = 0) -> None:
        """Fill the heads.

        Args:
            weights: As `weights` gives them.
            group: How many heads they are of, if others than these: head n takes those of head
                n modulo `group`. So a trained group is copied as the next one (MTP-D, "looped
                extension"), or used again and again without training.

        Raises:
            ValueError: if names or shapes do not match the model.
        """
        group = group or self.count
        own = {name: one for name, one in self._mtp.named_parameters() if _LAYER.fullmatch(name)}
        wanted = {self._checkpoint_name(name, group) for name in own}
        if wanted != set(weights) - {DRAFT_IDS}:
            differ = sorted(wanted ^ (set(weights) - {DRAFT_IDS}))
            raise ValueError(f"tensors differ: {differ[:4]}")
        for name, one in own.items():
            given = weights[self._checkpoint_name(name, group)]
            if given.shape != one.shape:
                raise ValueError(f"{name} has shape {tuple(given.shape)}")
            with torch.no_grad():
                one.copy_(given)
        self.use_draft_ids(weights.get(DRAFT_IDS))

    def ready(self) -> Heads:
        """The same, frozen and in the model's dtype: ready to draft."""
        self.layers.requires_grad_(False).eval().to(self._whole.weight.dtype)
        use_rows_linear(self._mtp)
        return self

    def _checkpoint_name(self, name: str, group: int = 0) -> str:
        """A weight's name in a checkpoint: DeepSeek-V3's layout, which transformers reads."""
        found = _LAYER.fullmatch(name)
        assert found is not None
        head = int(found[1]) % (group or self.count)
        rest = found[2].removeprefix("mtp_block.").replace("post_norm.", "shared_head.norm.", 1)
        return f"model.layers.{self._hidden_layers + head}.{rest}"


def new_heads(model: Any, count: int) -> Heads:
    """Heads with weights drawn at random, in float32; the model's own config stays as it is."""
    with config_for_heads(model, count):
        mtp: Any = _Mtp(model, count)
    mtp.layers.to(model.get_output_embeddings().weight.device)
    _draw_weights(model, mtp.layers)
    return Heads(model, mtp)


def shipped_heads(model: Any) -> Heads:
    """The heads of a model's own checkpoint, ready to draft.

    Raises:
        KnownError: if it holds none, or transformers cannot read them.
    """
    if not getattr(model.config.get_text_config(), "num_mtp_layers", None):
        raise KnownError("This model ships no heads of its own.", "Train some: --from none.")
    try:
        with heads_named(model):
            device = model.get_output_embeddings().weight.device
            # Not of a subclass: what is renamed in a checkpoint goes by the name of the class.
            return Heads(model, MtpModel.from_pretrained(model, {"": device})).ready()
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise KnownError(
            f"The heads of this model cannot be read: {str(error).splitlines()[0]}",
            "Train heads of its own, or decode without.",
        ) from error


@contextmanager
def heads_named(model: Any) -> Iterator[None]:
    """Inside, transformers finds the heads of a model of any class in its checkpoint.

    It asks the class for the names of what it leaves out when it loads a model (5.23), and the
    classes whose makers never released heads, Llama's among them, name nothing.
    """
    before = model._keys_to_ignore_on_load_unexpected  # noqa: SLF001
    layers = int(model.config.get_text_config().num_hidden_layers)
    heads = int(model.config.get_text_config().num_mtp_layers)
    names = [rf"model\.layers\.{layers + head}\." for head in range(heads)]
    model._keys_to_ignore_on_load_unexpected = before or names  # noqa: SLF001
    try:
        yield
    finally:
        model._keys_to_ignore_on_load_unexpected = before  # noqa: SLF001


@contextmanager
def config_for_heads(model: Any, count: int) -> Iterator[None]:
    """Inside, the model has a config that speaks of heads: transformers builds them by it."""
    before = model.config
    model.config = copy.deepcopy(before)
    text = model.config.get_text_config(decoder=True)
    text.num_mtp_layers = count
    for kinds, kind in (("layer_types", "full_attention"), ("mlp_layer_types", "dense")):
        if getattr(text, kinds, None) is not None and not getattr(text, f"mtp_{kinds}", None):
            setattr(text, f"mtp_{kinds}", [kind] * count)
    try:
        yield
    finally:
        model.config = before


def _draw_weights(model: Any, layers: nn.ModuleList) -> None:
    """New weights as the model's own class draws them, behind each the norm that its output fits.

    Copies of the model's last block learn slower: after 100 steps on the starter they agreed
    with it in .38 of the tokens, drawn ones in .48.
    """
    layers.apply(model._init_weights)  # noqa: SLF001  (it has no public name)
    norm = model.get_decoder().norm.state_dict()
    for layer in layers:
        if (own := cast("Any", layer).post_norm) is not None:
            own.load_state_dict(norm)


def load_heads(model: Any, folder: Path, info: AdapterInfo, count: int = 0) -> Heads:
    """The heads of an adapter folder behind a model, in its dtype, frozen.

    Args:
        model: The model they were trained on.
        folder: The adapter's folder.
        info: What it says of itself.
        count: How many to have, if others than it holds: they are used again in turn.

    Raises:
        KnownError: if the file is damaged or does not match the model.
    """
    heads = new_heads(model, count or info.heads)
    fill_heads(heads, folder, info)
    return heads.ready()


def heads_with(model: Any, weights: Mapping[str, Tensor], count: int) -> Heads:
    """Heads with these weights (see `Heads.load_weights`), in the model's dtype, frozen."""
    heads = new_heads(model, count)
    heads.load_weights(weights)
    return heads.ready()


def fill_heads(heads: Heads, folder: Path, info: AdapterInfo) -> None:
    """Give heads the weights of an adapter folder, in turn where it holds fewer.

    Raises:
        KnownError: if the file is damaged or does not match the model.
    """
    try:
        heads.load_weights(load_file(folder / WEIGHTS_FILE), info.heads)
    except (OSError, ValueError, SafetensorError) as error:
        raise KnownError(
            f"The heads in {folder} cannot be loaded: {str(error).splitlines()[0]}",
            "The file is damaged; fetch or train them again.",
        ) from error


def save_heads(weights: Mapping[str, Tensor], folder: Path, info: AdapterInfo) -> None:
    """Write heads as an adapter, in bfloat16.

    Raises:
        KnownError: if they cannot be written; an older adapter in the folder stays.
    """
    with adapter_draft(folder, info) as draft:
        save_file(stored_weights(weights), draft / WEIGHTS_FILE)


def stored_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a file of heads holds: weights in bfloat16, draft tokens as they are."""
    return {
        name: (one.to(torch.bfloat16) if one.is_floating_point() else one).cpu().contiguous()
        for name, one in weights.items()
    }
