"""Our decoder as a model of the Language Model Evaluation Harness (the extra `eval`).

So that gsm8k and the like run as in the paper (2602.06019, evaluation). A chat comes from the
harness as text that it treats as opaque: here that text is the chat's turns as JSON, and the
session renders them with the model's own template.

Once this module is imported the harness knows it by its name, too, whoever runs it:
`lm_eval.simple_evaluate("stride", "model=starter,threshold=0.9", tasks=["gsm8k"])`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from core.control import Cancel
from core.engine.request import Dtype, LoadSpec, Message, Request
from core.engine.session import Session, open_session
from core.errors import KnownError
from core.evaluate.bench.grid import grid
from core.evaluate.measure import Measured, Way, decode_answer
from core.paths import user_paths
from core.settings import load_settings

MOST_TOKENS = 256
"""Of an answer, where the task does not say."""
TURNS = "stride-turns:"
"""Begins a text that holds turns."""


class TaskModel(LM):  # type: ignore[misc]  # the harness tells no types
    """Answers the requests of tasks in one way of decoding.

    Attributes:
        measured: Every answer so far.
    """

    def __init__(self, session: Session, way: Way, cancel: Cancel) -> None:
        super().__init__()
        self._session, self._way, self._cancel = session, way, cancel
        self.measured: list[Measured] = []

    @property
    def tokenizer_name(self) -> str:
        """What the harness files its caches under."""
        return self._session.info.model_path

    def apply_chat_template(
        self, chat_history: Sequence[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Turns as text that `generate_until` takes apart again.

        Raises:
            KnownError: for a task that begins the answer itself.
        """
        if not add_generation_prompt:
            raise KnownError("This task begins the answer itself, which Stride cannot decode.")
        return TURNS + json.dumps(list(chat_history))

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """The answers, each up to its stop strings.

        Raises:
            Cancelled: if a stop was asked for.
            KnownError: see `Session.stream`.
        """
        return [self._answer(*request.args) for request in requests]

    def loglikelihood(self, requests: Sequence[Any]) -> NoReturn:
        """Is not what a decoder does.

        Raises:
            KnownError: always.
        """
        raise KnownError(
            f"This task compares the likelihood of {len(requests)} given answers: ways of decoding "
            "make no difference to it.",
            "Choose one that lets the model answer, such as gsm8k.",
        )

    loglikelihood_rolling = loglikelihood

    def _answer(self, context: str, options: dict[str, Any]) -> str:
        until = options.get("until", ())
        request = Request(
            _messages(context),
            self._way.strategy,
            self._way.k_max,
            options.get("max_gen_toks", MOST_TOKENS),
            stop=(until,) if isinstance(until, str) else tuple(until),
            temperature=options.get("temperature", 0.0) if options.get("do_sample") else 0.0,
        )
        measured, _ = decode_answer(self._session, request, self._way.threshold, self._cancel)
        self.measured.append(measured)
        return measured.text


@register_model("stride")
class NamedTaskModel(TaskModel):
    """The same by the harness's own arguments.

    Args:
        model: Name or folder.
        adapter: See `LoadSpec`; the harness makes None of "none".
        strategy: How to decode.
        threshold: Of the strategies that read one.
        device: See `LoadSpec`; by default the user's.
        dtype: As well.
        batch_size: The harness's own; answers are decoded one by one.
        max_batch_size: As well.

    Raises:
        KnownError: see `open_session` and `grid`.
    """

    def __init__(  # noqa: PLR0913  (the harness gives them by name)
        self,
        model: str = "starter",
        adapter: str | None = "auto",
        strategy: str = "confadapt",
        threshold: float = 0.9,
        device: str = "",
        dtype: Dtype | None = None,
        batch_size: Any = None,  # noqa: ARG002
        max_batch_size: Any = None,  # noqa: ARG002
    ) -> None:
        paths = user_paths()
        settings = load_settings(paths.settings_file)
        spec = LoadSpec(
            model, adapter or "none", device or settings.device, dtype or settings.dtype
        )
        (way,) = grid([strategy], str(threshold))
        super().__init__(open_session(spec, paths, settings, lambda *_: None), way, Cancel())


def _messages(context: str) -> tuple[Message, ...]:
    if context.startswith(TURNS):
        turns = json.loads(context.removeprefix(TURNS))
        return tuple(Message(turn["role"], turn["content"]) for turn in turns)
    return (Message("user", context),)
