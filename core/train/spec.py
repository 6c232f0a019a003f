"""What a training run is asked to do: plain data, stored as `spec.json` in the run's folder."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_type_hints

from core.documents.records import ColumnMap
from core.errors import KnownError
from core.model.adapter_info import MOST_HEADS, Kind
from core.typed import is_of

SYNTHESIS_SHARE = 1 / 3
"""Most of a run's minutes that writing rows may take."""
COMPARING_SHARE = 0.15
"""Of a run's minutes, for the comparison at its end."""
ANSWER_TOKENS = 96
"""Most tokens of an answer that the model writes to train on."""
OWN_HEADS = "own"
AT_LEAST_1 = (
    "rank",
    "warmup_steps",
    "sequences",
    "micro_sequences",
    "processes",
    "context",
    "eval_every",
    "save_every",
    "keep_checkpoints",
    "top_n",
)
AT_LEAST_0 = ("eval_rows", "draft_vocabulary", "ce_weight", "kl_weight")
ABOVE_0 = ("learning_rate", "vector_learning_rate", "base_learning_rate", "clip")
"""Fields of `TrainSpec` by what they must be."""
Passages = Literal["text", "chats", "both"]
Teacher = Literal["mixed", "hard", "soft"]


@dataclass(frozen=True)
class TrainSpec:
    """One training run. Defaults suit the gated adapter of a small model.

    A setting that belongs to one kind of adapter is not looked at by the others.

    Attributes:
        model: Folder of the base model.
        out: Folder the adapter is written to.
        data: Files and folders of documents; may be empty with `synthesize`.
        columns: Columns of tables, as "prompt=NAME,response=NAME"; empty: by their names.
        leave_out_secrets: Do not train on rows that seem to hold secrets or personal data.
        synthesize: Let the model write prompts and answers itself.
        passages: What plain texts become: "text" to continue, "chats" of questions about their
            passages, which the model asks and answers itself, or "both". Chats do most for chats
            (docs/benchmarks/recipe.md); where the model finds little to ask, the texts stay.
        start_from: "none", the folder of an adapter to go on from, or "own": the heads that the
            model itself ships.
        k_min: Smallest number of slots drawn for a row; the paper draws from 2 up.
        mask_rows: Budget of mask rows a sequence: k - 1 for each of its regions.
        sequences: Rows an optimizer step, over all gradient accumulation.
        micro_sequences: Rows a forward call.
        processes: Ranks, one to a GPU; each takes its share of the rows of a step.
        shard: Divide the weights among the ranks, too: for full trainings of models that do not
            fit one GPU.
        context: Rows longer than this many tokens are cut.
        minutes: Time for everything, synthesis included; a probe and the pace turn it into steps.
        teacher: "hard" (argmax) or "soft" (whole distribution) of the base model behind the
            student's own block; "mixed" is hard, but in a gated training every other row that the
            model wrote itself is its own teacher: cheaper and bolder (docs/benchmarks/recipe.md).
            Heads have terms of their own.
        joint: Whether the base model's layers learn with its heads (heads only); its embedding and
            output matrix stay as they are.
        base_learning_rate: Peak of these layers.
        heads: How many heads, those of `start_from` included; more than it has are copies of
            its own, and they alone are trained (the looped extension of MTP-D).
        draft_vocabulary: How many tokens heads can propose, the most frequent ones; 0 is all.
        top_n: Tokens on which heads are compared with the main head.
        ce_weight: Of the cross-entropy with the token that follows, for heads.
        kl_weight: Of the KL from the main head; 0 leaves cross-entropy alone.
        head_decay: Weight of each trained head, as a share of the one before it.
        eval_rows: Held-out rows, never trained on.
    """

    model: str
    out: str
    data: tuple[str, ...] = ()
    columns: str = ""
    leave_out_secrets: bool = False
    synthesize: bool = False
    passages: Passages = "chats"
    kind: Kind = "gated"
    start_from: str = "none"
    k_max: int = 8
    k_min: int = 2
    rank: int = 24
    slot_vectors: bool = True
    teacher: Teacher = "mixed"
    joint: bool = False
    base_learning_rate: float = 5e-5
    heads: int = 4
    draft_vocabulary: int = 8192
    top_n: int = 10_000
    ce_weight: float = 1.0
    kl_weight: float = 1.0
    head_decay: float = 0.8
    learning_rate: float = 3e-3
    vector_learning_rate: float = 1.5e-2
    warmup_steps: int = 20
    clip: float = 1.0
    sequences: int = 4
    micro_sequences: int = 4
    processes: int = 1
    shard: bool = False
    mask_rows: int = 98
    context: int = 384
    minutes: float | None = None
    steps: int | None = None
    eval_every: int = 200
    eval_rows: int = 24
    save_every: int = 100
    keep_checkpoints: int = 2
    seed: int = 0
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"

    @property
    def changes_base(self) -> bool:
        """Whether weights of the base model are trained."""
        return self.kind == "full" or self.joint

    def check(self) -> None:
        """Refuse what cannot be run.

        Raises:
            KnownError: naming the setting.
        """
        if not 2 <= self.k_min <= self.k_max <= 16:
            raise KnownError(f"k_min {self.k_min} and k_max {self.k_max} must lie in 2..16.")
        if (self.minutes is None) == (self.steps is None):
            raise KnownError("Give either the minutes or the steps of the training.")
        length = self.minutes if self.steps is None else self.steps
        if not length or not 0 < length < math.inf:
            raise KnownError("A training needs at least one step and some time.")
        self._check_numbers()
        if self.columns:
            ColumnMap.parse(self.columns)
        if not self.data and not self.synthesize:
            raise KnownError("There is nothing to train on.", "Give --data or --synthesize.")
        if self.mask_rows < self.k_max - 1:
            raise KnownError("mask_rows must hold at least one region of k_max - 1 rows.")
        self._check_heads()
        self._check_ranks()

    def _check_numbers(self) -> None:
        values = dataclasses.asdict(self)
        for name in (*AT_LEAST_1, *AT_LEAST_0):
            least = int(name in AT_LEAST_1)
            if not least <= values[name] < math.inf:
                raise KnownError(f"{name} must be at least {least}, not {values[name]}.")
        for name in ABOVE_0:
            if not 0 < values[name] < math.inf:
                raise KnownError(f"{name} must be more than 0, not {values[name]}.")

    def _check_heads(self) -> None:
        if self.kind != "heads":
            if self.joint:
                raise KnownError("Only heads can be trained jointly.", "Give --kind heads.")
            if self.start_from == OWN_HEADS:
                raise KnownError("Only heads can start from the model's own.", "Give --kind heads.")
            return
        if not 1 <= self.heads <= MOST_HEADS:
            raise KnownError(f"There can be 1 to {MOST_HEADS} heads, not {self.heads}.")
        if self.joint and self.start_from == OWN_HEADS:
            raise KnownError("A joint training starts from heads of an adapter, or from none.")
        if self.ce_weight + self.kl_weight == 0:
            raise KnownError("Of ce_weight and kl_weight one must be more than 0.")
        if not 0 < self.head_decay <= 1:
            raise KnownError(
                f"head_decay must lie above 0 and be at most 1, not {self.head_decay}."
            )

    def _check_ranks(self) -> None:
        if self.sequences % self.processes:
            raise KnownError("The sequences of a step must be a multiple of the processes.")
        if self.sequences % self.micro_sequences:
            raise KnownError("The sequences of a step must be a multiple of micro_sequences.")
        if self.shard and (self.kind != "full" or self.processes == 1):
            raise KnownError(
                "Only the weights of a full training on several processes can be sharded.",
                "Choose the full kind and at least two processes, or leave sharding out.",
            )


def write_spec(path: Path, spec: TrainSpec) -> None:
    """Store a spec as JSON."""
    path.write_text(json.dumps(dataclasses.asdict(spec), indent=2) + "\n", encoding="utf-8")


def read_settings(path: Path) -> dict[str, Any]:
    """Settings of a spec file, which may name only some of them.

    Raises:
        KnownError: if the file is missing, not JSON, names an unknown setting, or gives one a
            value of another type.
    """
    try:
        data = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise KnownError(f"The training spec {path} cannot be read: {error}.") from error
    unknown = data.keys() - {field.name for field in dataclasses.fields(TrainSpec)}
    if unknown:
        raise KnownError(f"The training spec {path} names unknown settings: {sorted(unknown)}.")
    if isinstance(data.get("data"), list):
        data["data"] = tuple(data["data"])
    hints = get_type_hints(TrainSpec)
    for name, value in data.items():
        if not is_of(value, hints[name]):
            raise KnownError(f"The setting {name} of {path} cannot be {value!r}.")
    return data


def read_spec(path: Path) -> TrainSpec:
    """Read a whole spec back.

    Raises:
        KnownError: if it cannot be read or cannot be run.
    """
    try:
        spec = TrainSpec(**read_settings(path))
    except TypeError as error:
        raise KnownError(f"The training spec {path} is not complete: {error}.") from error
    spec.check()
    return spec
