"""The two event streams that everything in Stride shows, stores or replays.

Decoding: `GenerationStarted PassDone* GenerationEnded`. Training: `RunStarted`, then
`StepDone`, `StepsPlanned`, `EvalDone`, `SampleDone`, `CheckpointSaved`, `Notice` in any order,
`WayCompared` and `ThresholdAdvised` once it is over, then `RunEnded`.
A failure is a typed exception, never an event. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StopReason = Literal["end_token", "stop_string", "max_new_tokens", "context_full", "cancelled"]
RunState = Literal["running", "completed", "stopped", "interrupted", "failed"]

Proposer = Literal["mask rows", "heads", "prompt lookup"]

Alternative = tuple[int, str, float]
"""One other candidate of a slot: token id, its text, its probability."""


TRACE_VERSION = 1


@dataclass(frozen=True, slots=True)
class GenerationStarted:
    """What is about to be decoded, by what.

    Attributes:
        prompt_text: The exact text the model reads, template applied.
        prompt_tokens: Length of the prompt in tokens.
        reused_tokens: Prompt tokens whose cache entries were kept from the last turn.
        mtp_off_reason: Empty when several tokens a pass are possible, else why not.
        version: Of the trace that begins here (docs/trace-file.md).
    """

    model: str
    adapter: str | None
    strategy: str
    k_max: int
    threshold: float
    device: str
    dtype: str
    prompt_text: str
    prompt_tokens: int
    reused_tokens: int
    mtp_off_reason: str
    version: int = TRACE_VERSION


@dataclass(frozen=True, slots=True)
class PassDone:
    """One forward call: every slot it proposed and the tokens that became final.

    Attributes:
        index: 0 for the prefill pass.
        token_ids: Tokens that this pass made final, an end token included.
        text: What these tokens add to the answer; never half a UTF-8 character.
        proposed_ids: Argmax (or draw, for slot 1) of every slot, accepted or not.
        confidences: Top softmax probability in float32 of every slot; of a token from prompt
            lookup how often matches of that length usually go on alike.
        alternatives: For each slot its next best candidates.
        refused: Provisional tokens of the pass before that fell here.
        threshold: The threshold this pass was judged by.
        width: Rows of the forward call.
        seconds: Wall-clock time of the pass.
        pieces: What each of `token_ids` adds to `text`, so that a character finds its slot;
            empty where that is not known.
        proposed_texts: Each of `proposed_ids` as text; empty where that is not known.
        confirmed: How many leading `token_ids` the pass before had proposed; slot 1 follows them.
        provisional: How many slots behind the kept ones the next pass checks.
        is_exact: Whether its tokens are those of one-token decoding.
        proposer: Who proposed the slots behind slot 1.
    """

    index: int
    token_ids: tuple[int, ...]
    text: str
    proposed_ids: tuple[int, ...]
    confidences: tuple[float, ...]
    alternatives: tuple[tuple[Alternative, ...], ...]
    refused: int
    threshold: float
    width: int
    seconds: float
    pieces: tuple[str, ...] = ()
    proposed_texts: tuple[str, ...] = ()
    confirmed: int = 0
    provisional: int = 0
    is_exact: bool = False
    proposer: Proposer = "mask rows"

    @property
    def kept(self) -> int:
        """How many of its own slots were final at once; none where a confirmed one was the end."""
        return len(self.token_ids) - self.confirmed


@dataclass(frozen=True, slots=True)
class GenerationEnded:
    """The end of an answer; `text` is the whole of it, stop string trimmed."""

    stop_reason: StopReason
    text: str
    tokens: int
    passes: int
    seconds: float


GenerationEvent = GenerationStarted | PassDone | GenerationEnded


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A training run begins or goes on (`first_step` > 0 after a resume)."""

    run_id: str
    spec: dict[str, object]
    total_steps: int
    first_step: int
    machine: dict[str, object]
    time: float


@dataclass(frozen=True, slots=True)
class StepDone:
    """One optimizer step.

    Attributes:
        agreement: Share of slots 2..k where the student picks the token it is held to.
        supervised: Supervised slots of this step.
    """

    step: int
    loss: float
    learning_rate: float
    agreement: float
    supervised: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StepsPlanned:
    """A run of some minutes has other steps in all than was planned, by its pace so far."""

    step: int
    total_steps: int


@dataclass(frozen=True, slots=True)
class EvalDone:
    """Held-out rows: agreement with the teacher by slot (slot 2 first), tokens per pass."""

    step: int
    agreement_by_slot: tuple[float, ...]
    tokens_per_pass: float
    threshold: float
    seconds: float


@dataclass(frozen=True, slots=True)
class SampleDone:
    """One held-out answer decoded with the adapter as it now is."""

    step: int
    prompt: str
    passes: tuple[PassDone, ...]


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A complete checkpoint lies at `path`."""

    step: int
    path: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence the user should see; `phase` names what the run is doing, or is "warning"."""

    phase: str
    message: str


Span = tuple[float, float, float]
"""A figure with its 95 % bootstrap interval over the prompts: value, lowest, highest."""


_EXACT = {"verified": "Exact, verified", "heads": "Exact, with heads"}


@dataclass(frozen=True, slots=True)
class WayCompared:
    """One way of decoding the held-out prompts once a training is over.

    Attributes:
        prompts: How many there were.
        speedup: Tokens a second over those of the base model's one-token decoding, side by side.
        agreement: Share of tokens that equal the base model's argmax.
        likelihood: Exp of the mean log-likelihood a token under the base model, over that of
            its own greedy answer.
        repeated: Share of block borders where a word stands twice.
        adapter: Name of the adapter the training started from, if that one decoded; "none" for
            the base model where the training has changed its weights; else empty.
    """

    strategy: str
    threshold: float
    prompts: int
    tokens_per_pass: Span
    speedup: Span
    agreement: Span
    likelihood: Span
    repeated: Span
    adapter: str = ""

    @property
    def label(self) -> str:
        """What to call it in a table."""
        if self.strategy == "next_token":
            return "One token a pass" + (", base model" if self.adapter else "")
        if self.strategy in _EXACT:
            return _EXACT[self.strategy]
        before = f", before ({self.adapter})" if self.adapter else ""
        return f"Threshold {self.threshold:g}{before}"


@dataclass(frozen=True, slots=True)
class ThresholdAdvised:
    """The threshold to use on these documents; None where nothing can be said, with the reason."""

    threshold: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The end of a run, with the adapter it left.

    Attributes:
        seconds: Time of all its starts together.
        supervised: Slots supervised in all its starts.
        peak_bytes: Most memory it held at a time, on the GPU where it computed on one.
    """

    state: RunState
    step: int
    adapter: str | None
    seconds: float
    supervised: int
    peak_bytes: int = 0


TrainingEvent = (
    RunStarted
    | StepDone
    | StepsPlanned
    | EvalDone
    | SampleDone
    | CheckpointSaved
    | WayCompared
    | ThresholdAdvised
    | Notice
    | RunEnded
)
Event = GenerationEvent | TrainingEvent
