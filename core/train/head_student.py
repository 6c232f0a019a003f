"""The heads of a model under training: its own weights stay frozen, its hidden rows are stored."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import KnownError
from core.model.adapter_info import FORMAT_VERSION, AdapterInfo, read_adapter_info
from core.model.heads import (
    DRAFT_IDS,
    fill_heads,
    heads_with,
    new_heads,
    save_heads,
    shipped_heads,
)
from core.model.loading import Loaded
from core.train.batch import padded, padded_ids
from core.train.data import Sample
from core.train.head_distill import HeadBatch, HeadsDistillation
from core.train.losses import HeadTerms, best_tokens
from core.train.seen_store import Seen, SeenStore
from core.train.spec import OWN_HEADS, TrainSpec
from core.train.vocabulary import with_common

METHODS = {
    False: "cascaded heads on a frozen model, cross-entropy and KL from the main head (MTP-D)",
    True: "cascaded heads and the model's layers together, cross-entropy and KL (MTP-D)",
}
"""What a finished adapter says of its training, by whether it was a joint one."""


class HeadsStudent:
    """Heads behind a frozen base model (see `core.train.student.Student`).

    More heads than `start_from` has are copies of its group; then only these are trained.
    """

    def __init__(self, spec: TrainSpec, base: Loaded, weights_hash: str) -> None:
        self._spec, self._weights_hash = spec, weights_hash
        self._store: SeenStore | None = None
        self._base = base
        self.base_model = base.model
        torch.manual_seed(spec.seed)
        self.heads = new_heads(base.model, spec.heads)
        frozen = self._load_start() if spec.start_from != "none" else 0
        for at, layer in enumerate(self.heads.layers):
            layer.requires_grad_(at >= frozen)
        weights = tuple(spec.head_decay**n for n in range(spec.heads - frozen))
        terms = HeadTerms(weights, spec.ce_weight, spec.kl_weight, spec.top_n)
        self.distill = HeadsDistillation(self.heads, frozen, terms, base.dtype)

    @property
    def loaded(self) -> Loaded:
        """The model with the heads as they are now, in its dtype."""
        heads = heads_with(self.base_model, self.weights(), self._spec.heads)
        return dataclasses.replace(self._base, heads=heads)

    @property
    def loaded_base(self) -> Loaded:
        """The model alone: one token a pass is its own."""
        return self._base

    def _load_start(self) -> int:
        """Take over the heads to go on from; returns how many of them stay as they are."""
        if self._spec.start_from == OWN_HEADS:
            shipped = shipped_heads(self.base_model)
            self._check_count(shipped.count)
            self.heads.load_weights(shipped.weights(), shipped.count)
            held = shipped.count
        else:
            held = self._load_folder(Path(self._spec.start_from))
        return held if self._spec.heads > held else 0

    def _load_folder(self, folder: Path) -> int:
        info = read_adapter_info(folder)
        if info.kind != "heads":
            raise KnownError(
                f"The adapter to start from is of the kind {info.kind}: it has no heads.",
                "Choose trained heads, or start from none.",
            )
        if info.joint:
            raise KnownError(
                "The heads to start from belong to the model that was trained with them.",
                "Export them (`stride heads export`), and train that model's heads: --from own.",
            )
        self._check_count(info.heads)
        if info.draft_vocabulary != self._spec.draft_vocabulary:
            raise KnownError(
                f"The heads to start from can draft {info.draft_vocabulary or 'all'} tokens; the "
                f"spec asks for {self._spec.draft_vocabulary or 'all'}.",
                "Leave draft_vocabulary out, or start from none.",
            )
        fill_heads(self.heads, folder, info)
        return info.heads

    def _check_count(self, held: int) -> None:
        if held > self._spec.heads:
            raise KnownError(
                f"There are {held} heads to start from; the spec asks for {self._spec.heads}.",
                f"Ask for {held} heads or more, or start from none.",
            )

    def prepare(self, samples: Sequence[Sample], run_dir: Path) -> None:
        """Choose the tokens that can be drafted, and open the store of hidden rows."""
        spec, rows = self._spec, self.base_model.get_output_embeddings().weight
        if self.heads.draft_ids is None and 0 < spec.draft_vocabulary < len(rows):
            chosen = frequent_tokens(samples, spec.draft_vocabulary, len(rows))
            self.heads.use_draft_ids(torch.tensor(chosen))
        dtype = self._base.dtype
        name = f"hidden-{self._weights_hash[:16]}-{str(dtype).removeprefix('torch.')}"
        # Each rank writes a file of its own.
        own = run_dir / f"{name}-{os.environ.get('RANK', '0')}.bin"
        earlier = (one for one in run_dir.parent.glob(f"*/{name}*.bin") if one != own)
        self._store = SeenStore(own, rows.shape[1], dtype, earlier)

    def close(self) -> None:
        """Nothing: the next stage of a looped extension reads the hidden rows again."""

    def cast(self, dtype: torch.dtype) -> None:
        """Nothing: the model is in its dtype, and heads are given it when they are loaded."""

    def batch(self, samples: Sequence[Sample], step: int, first_row: int) -> tuple[Tensor, Any]:  # noqa: ARG002
        """Token ids [B, L], right-padded, and what the frozen model says of them."""
        assert self._store is not None, "prepare comes first"
        seen = self._store.of(samples, self._read)
        # The last head needs a position even in the shortest row.
        length = max(self._spec.heads + 2, *(len(one.token_ids) for one in samples))
        token_ids = padded_ids(samples, length)
        return token_ids, HeadBatch(
            hidden=padded([one.rows for one in seen], length),
            best=padded([one.best for one in seen], length),
            first=torch.tensor([one.first for one in samples]),
            length=torch.tensor([len(one.token_ids) for one in samples]),
        )

    def main_head(self, token_ids: Tensor, batch: HeadBatch) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Rows [B, L, H] of the head that verifies drafts, and its tokens [B, L] in the answers."""
        return batch.hidden, batch.best

    @torch.no_grad()
    def _read(self, samples: Sequence[Sample]) -> list[Seen]:
        """Run the frozen model on rows: the only time that it is."""
        length = max(len(one.token_ids) for one in samples)
        token_ids = padded_ids(samples, length)
        model = self.base_model
        out = model.base_model(input_ids=token_ids.to(self._base.device), use_cache=False)
        found = []
        for rows, sample in zip(out.last_hidden_state, samples, strict=True):
            hidden = rows[: len(sample.token_ids)]
            best = torch.zeros(len(hidden), dtype=torch.long)
            answer = hidden[sample.first :]
            best[sample.first :] = best_tokens(model.get_output_embeddings(), answer).cpu()
            found.append(Seen(hidden.cpu(), best))
        return found

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The trained heads at one rate."""
        trained = [one for one in self.heads.layers.parameters() if one.requires_grad]
        return [{"params": trained, "lr": self._spec.learning_rate}]

    def weights(self) -> dict[str, Tensor]:
        """All heads in full precision, and the tokens they can draft."""
        return self.heads.weights()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Go on from a checkpoint's weights."""
        self.heads.load_weights(weights)

    def save(self, folder: Path, info: AdapterInfo, weights: dict[str, Tensor]) -> None:
        """Write the finished adapter, with the weights that `weights` gave."""
        save_heads(weights, folder, self.described(info, weights))

    def described(self, info: AdapterInfo, weights: dict[str, Tensor]) -> AdapterInfo:
        """What the finished adapter says of itself."""
        heads = self.heads.count
        return dataclasses.replace(
            info,
            heads=heads,
            k_max=heads + 1,
            draft_vocabulary=len(weights.get(DRAFT_IDS, ())),
            joint=self._spec.joint,
            # An older Stride would run joint heads behind the base model.
            format_version=FORMAT_VERSION if self._spec.joint else info.format_version,
            method=METHODS[self._spec.joint],
        )


def frequent_tokens(samples: Sequence[Sample], count: int, vocabulary: int) -> list[int]:
    """The tokens that answers use most, and then common others."""
    used: Counter[int] = Counter()
    for one in samples:
        used.update(one.token_ids[one.first + 1 :])
    ranked = [token_id for token_id, _ in used.most_common(count)]
    return with_common(ranked, count, vocabulary)
