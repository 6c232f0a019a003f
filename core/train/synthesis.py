"""Training text from the model itself: it answers prompts, and can write the prompts too.

Answers are greedy, in batches, and cached by model and prompt: they are what one-token
decoding would say, so the adapter learns the blocks the user will see.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from core.documents.records import Row
from core.engine.prompt import render
from core.engine.request import Message
from core.errors import KnownError
from core.evaluate.tasks import CHECKABLE, OPEN, make_tasks, split_of
from core.train.memory import in_halves
from core.train.spec import ANSWER_TOKENS

BATCH = 96
TRIAL = 12
"""The first batch, where time is limited: it shows how many the next ones may hold."""
PROMPT_TOKENS = 64

Advance = Callable[[int, int], bool]
"""Called with (done, total) after each batch; False ends the synthesis early."""
SecondsLeft = Callable[[], float]
"""The time that is left for writing; no batch is begun that would need more."""


def endless() -> float:
    """Time without end."""
    return math.inf


T = TypeVar("T")
Write = Callable[[Sequence[Sequence[int]]], list[tuple[str, bool]]]


class Writer:
    """A model that writes training text.

    Args:
        model: A causal language model, its adapter off.
        tokenizer: Its tokenizer.
        end_ids: Tokens that end an answer.
        cache: JSON-lines file of answers already known, by prompt.
        context: Tokens that a training cuts rows to: longer prompts have no answer in it.
        say: Called with a sentence, once, if that file cannot be written.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        end_ids: Sequence[int],
        cache: Path,
        context: int,
        say: Callable[[str], None],
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._end_ids = list(end_ids)
        self._cache = cache
        self._context = context
        self._known = _read_cache(cache)
        self._say = say
        self._keeps = True
        self._row_seconds: float | None = None

    def answer(
        self, rows: Sequence[Row], advance: Advance, seconds_left: SecondsLeft = endless
    ) -> list[Row]:
        """The rows with answers; rows not reached in time are left out."""
        open_rows = [row for row in rows if row.lacks_answer and _key(row) not in self._known]
        prompts = {_key(row): ids for row in open_rows if (ids := self._prompt_ids(row))}
        # Answers of one family are of like length, so sorting by it wastes less padding.
        keys = sorted(prompts, key=lambda key: len(prompts[key]))
        groups = [keys[at : at + BATCH] for at in range(0, len(keys), BATCH)]
        random.Random("groups").shuffle(groups)
        done = 0
        if keys:
            advance(done, len(keys))
        for batch in (batch for group in groups for batch in self._batches(group, seconds_left)):
            texts = self._timed(self._answers, [prompts[key] for key in batch])
            self._remember(dict(zip(batch, texts, strict=True)))
            done += len(batch)
            if not advance(done, len(keys)):
                break
        return [answered for row in rows if (answered := self._answered(row)) is not None]

    def _prompt_ids(self, row: Row) -> list[int]:
        """Tokens of a row's chat; none if the template refuses it, or it fills the context."""
        try:
            ids = render(self._tokenizer, row.messages)[1]
        except KnownError:
            return []
        return ids if len(ids) < self._context else []

    def invent_prompts(
        self, count: int, seed: int, advance: Advance, seconds_left: SecondsLeft = endless
    ) -> list[Row]:
        """Prompts sampled from the model through its template's user turn."""
        # A model without a chat template begins as it would begin any text.
        opening = _user_turn_opening(self._tokenizer) or self._end_ids[:1]
        torch.manual_seed(seed)
        found: dict[str, Row] = {}
        done = 0
        for batch in self._batches([opening] * count, seconds_left):
            for text, complete in self._timed(self._inventions, batch):
                prompt = text.strip()
                if complete and len(prompt.split()) > 2 and split_of(prompt) == "train":
                    found[prompt] = Row((Message("user", prompt),), family="self")
            done += len(batch)
            if not advance(done, count):
                break
        self._row_seconds = None  # answers take longer
        return list(found.values())

    def _batches(self, items: Sequence[T], seconds_left: SecondsLeft) -> Iterator[Sequence[T]]:
        """The items in batches, as many as there is time for."""
        while items and (size := self._batch_size(seconds_left())):
            yield items[:size]
            items = items[size:]

    def _batch_size(self, seconds: float) -> int:
        if seconds <= 0:
            return 0
        if math.isinf(seconds):
            return BATCH
        if self._row_seconds is None:
            return TRIAL
        return min(BATCH, int(seconds / self._row_seconds))

    def _timed(self, write: Write, prompts: Sequence[Sequence[int]]) -> list[tuple[str, bool]]:
        began = time.monotonic()
        texts = in_halves(write, prompts)
        self._row_seconds = (time.monotonic() - began) / len(prompts)
        return texts

    def _answers(self, prompts: Sequence[Sequence[int]]) -> list[tuple[str, bool]]:
        return self._generate(prompts, ANSWER_TOKENS)

    def _inventions(self, openings: Sequence[Sequence[int]]) -> list[tuple[str, bool]]:
        return self._generate(openings, PROMPT_TOKENS, sample=True)

    @torch.inference_mode()
    def _generate(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, sample: bool = False
    ) -> list[tuple[str, bool]]:
        """Text of each prompt's continuation, and whether it came to its end."""
        token_ids, attention = _left_pad(prompts, self._end_ids[0])
        how: dict[str, Any] = {"do_sample": False, "repetition_penalty": 1.0}
        if sample:
            how = {"do_sample": True, "temperature": 1.0, "top_p": 0.95, "top_k": 0}
        device = self._model.device
        out = self._model.generate(
            token_ids.to(device),
            attention_mask=attention.to(device),
            max_new_tokens=max_new_tokens,
            eos_token_id=self._end_ids,
            pad_token_id=self._end_ids[0],
            **how,
        )
        return [self._split(answer) for answer in out[:, token_ids.shape[1] :].tolist()]

    def _split(self, token_ids: list[int]) -> tuple[str, bool]:
        for at, token_id in enumerate(token_ids):
            if token_id in self._end_ids:
                return self._tokenizer.decode(token_ids[:at]), True
        return self._tokenizer.decode(token_ids), False

    def _remember(self, texts: dict[str, tuple[str, bool]]) -> None:
        self._known |= texts
        if not self._keeps:
            return
        lines = (json.dumps([key, *answer], ensure_ascii=False) for key, answer in texts.items())
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            with self._cache.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            self._keeps = False
            self._say(f"The model's answers cannot be kept for other runs: {error}.")

    def _answered(self, row: Row) -> Row | None:
        if not row.lacks_answer:
            return row
        text, complete = self._known.get(_key(row), ("", False))
        if not text.strip():  # blank: no file of rows could hold it
            return None
        turns = (*row.messages, Message("assistant", text))
        return replace(row, messages=turns, complete=complete)


def family_rows(
    per_family: int, seed: int, families: Sequence[str] = (*CHECKABLE, *OPEN)
) -> list[Row]:
    """Prompts of built-in families, training split, in shuffled order."""
    rows = [
        Row((Message("user", task.prompt),), family=task.family)
        for family in families
        for task in make_tasks(family, per_family, seed, "train")
    ]
    random.Random(f"families {seed}").shuffle(rows)
    return rows


def _key(row: Row) -> str:
    turns = "\0".join(f"{one.role}\1{one.content}" for one in row.messages)
    return hashlib.sha256(turns.encode()).hexdigest()[:24]


def _read_cache(path: Path) -> dict[str, tuple[str, bool]]:
    if not path.is_file():
        return {}
    return {key: (text, complete) for key, text, complete in _lines(path)}


def _lines(path: Path) -> Iterator[list[Any]]:
    # A kill may have torn the last line, within a character too.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue  # it is simply answered again


def _left_pad(prompts: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    longest = max(len(prompt) for prompt in prompts)
    token_ids = torch.full((len(prompts), longest), pad_id)
    attention = torch.zeros_like(token_ids)
    for b, prompt in enumerate(prompts):
        token_ids[b, longest - len(prompt) :] = torch.tensor(prompt)
        attention[b, longest - len(prompt) :] = 1
    return token_ids, attention


def _user_turn_opening(tokenizer: Any) -> list[int]:
    """Tokens of the template up to where a user's words begin."""
    text, _ = render(tokenizer, (Message("user", "\u2603"),))
    return list(tokenizer(text.split("\u2603")[0], add_special_tokens=False)["input_ids"])
