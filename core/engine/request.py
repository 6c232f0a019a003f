"""What the engine is asked for: plain data, free of torch, shared by app and command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Strategy = Literal["next_token", "static_k", "confadapt", "verified", "heads", "prompt_lookup"]
Role = Literal["system", "user", "assistant"]
Dtype = Literal["auto", "float32", "bfloat16"]

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
EXACT_STRATEGIES: tuple[Strategy, ...] = ("next_token", "verified", "heads", "prompt_lookup")
"""Those whose every token is the one that one-token decoding would give."""
K_MAX_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One answer to decode.

    Attributes:
        messages: The chat so far, rendered with the model's own template; the last turn is
            the user's. A model without a template reads the contents joined by blank lines.
        k_max: Most slots that mask rows or heads propose a pass, slot 1 included, 1..16; None
            takes the adapter's own. Text that is looked up may bring more.
        temperature: 0 is greedy. Above 0 slot 1 is drawn, and so is what a check puts in the
            place of a proposal; what is kept unchecked behind it is always the argmax.
        max_new_tokens: Honoured exactly; None means up to the context's end.
    """

    messages: tuple[Message, ...]
    strategy: Strategy = "confadapt"
    k_max: int | None = None
    max_new_tokens: int | None = 512
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """Which model and adapter to load, and where.

    Attributes:
        model: A name known to the store, or a folder.
        adapter: "auto" (the one that fits), "none", "starter", "starter-heads", or a folder.
        device: "auto", "cpu", or a CUDA device's UUID or index ("cuda:0").
    """

    model: str
    adapter: str = "auto"
    device: str = "auto"
    dtype: Dtype = "auto"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a loaded session is, for status bars and records.

    Attributes:
        notice: A sentence the user should see once it is loaded, else "".
        heads: How many heads propose behind it.
    """

    model: str
    model_path: str
    adapter: str | None
    adapter_path: str | None
    device: str
    dtype: str
    k_max: int
    context_length: int
    memory_bytes: int
    mtp_off_reason: str
    notice: str = ""
    heads: int = 0
