"""Training text from the model itself: it answers prompts, and can write the prompts too.

Answers are greedy, in batches, and cached by model and prompt: they are what one-token
decoding would say, so the adapter learns the blocks the user will see. A fork is what it would
have said after its second choice somewhere in an answer: as much its own way, and new text.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from heapq import nlargest
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.documents.records import Row
from core.engine.prompt import render
from core.engine.request import Message
from core.errors import KnownError
from core.evaluate.tasks import CHECKABLE, OPEN, make_tasks, split_of
from core.train.memory import in_halves
from core.train.spec import ANSWER_TOKENS, MOST_FORKS

BATCH = 96
PROMPT_TOKENS = 64
FORK_TOKENS = ANSWER_TOKENS // 2
"""Most tokens before a fork, and all that are written behind it."""
LIKELY = 0.1
"""A second choice is no way to go if it is less than so many times as likely as the first."""

Advance = Callable[[int, int], bool]
"""Called with (done, total) after each batch; False ends the synthesis early."""


class Prompt(NamedTuple):
    """What is to be continued; the last `begun` of its tokens belong to the answer."""

    token_ids: Sequence[int]
    begun: int = 0


class Written(NamedTuple):
    """An answer by the model.

    Attributes:
        complete: Whether it came to its end.
        forks: How it could have begun, up to one other choice, which is the last of it.
    """

    text: str
    complete: bool
    forks: Sequence[str] = ()


_Choice = tuple[tuple[int, int], float]
"""Two tokens, and how many times as likely as the first the second was."""


class Writer:
    """A model that writes training text.

    Args:
        model: A causal language model, its adapter off.
        tokenizer: Its tokenizer.
        end_ids: Tokens that end an answer.
        cache: JSON-lines file of answers already known, by prompt.
    """

    def __init__(self, model: Any, tokenizer: Any, end_ids: Sequence[int], cache: Path) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._end_ids = list(end_ids)
        self._cache = cache
        self._known = _read_cache(cache)

    def answer(self, rows: Sequence[Row], advance: Advance) -> list[Row]:
        """The rows with answers; rows not reached in time are left out."""
        return self._completed(rows, self._answers, advance)

    def fork(self, rows: Sequence[Row], count: int, advance: Advance) -> list[Row]:
        """Up to `count` forks of each row that the model has answered, as far as time allows.

        Args:
            rows: As they were before `answer`.
            count: At most `MOST_FORKS`.
            advance: As in `answer`.
        """
        known = [(row, self._known.get(_key(row))) for row in rows if row.lacks_answer]
        forks = [replace(row, begun=one) for row, had in known if had for one in had.forks[:count]]
        return self._completed(forks, self._continued, advance)

    def _completed(
        self,
        rows: Sequence[Row],
        write: Callable[[Sequence[Prompt]], list[Written]],
        advance: Advance,
    ) -> list[Row]:
        open_rows = {_key(row): row for row in rows if row.lacks_answer}
        prompts = {
            key: prompt
            for key, row in open_rows.items()
            if key not in self._known and (prompt := self._prompt(row)) is not None
        }
        # Answers of one family are of like length, so sorting by it wastes less padding.
        keys = sorted(prompts, key=lambda key: len(prompts[key].token_ids))
        groups = [keys[at : at + BATCH] for at in range(0, len(keys), BATCH)]
        random.Random("groups").shuffle(groups)
        done = 0
        for group in groups:
            texts = in_halves(write, [prompts[key] for key in group])
            self._remember(dict(zip(group, texts, strict=True)))
            done += len(group)
            if not advance(done, len(keys)):
                break
        return [answered for row in rows if (answered := self._answered(row)) is not None]

    def _prompt(self, row: Row) -> Prompt | None:
        """A row's chat, and how its answer began; None if the model's template refuses it."""
        try:
            prompt_ids = render(self._tokenizer, row.messages)[1]
        except KnownError:
            return None
        begun = self._ids(row.begun)
        return Prompt([*prompt_ids, *begun], len(begun))

    def invent_prompts(self, count: int, seed: int, advance: Advance) -> list[Row]:
        """Prompts sampled from the model through its template's user turn."""
        # A model without a chat template begins as it would begin any text.
        opening = Prompt(_user_turn_opening(self._tokenizer) or self._end_ids[:1])
        torch.manual_seed(seed)
        found: dict[str, Row] = {}
        for at in range(0, count, BATCH):
            for text, complete, _ in in_halves(self._inventions, [opening] * BATCH):
                prompt = text.strip()
                if complete and len(prompt.split()) > 2 and split_of(prompt) == "train":
                    found[prompt] = Row((Message("user", prompt),), family="self")
            if not advance(min(at + BATCH, count), count):
                break
        return list(found.values())[:count]

    def _answers(self, prompts: Sequence[Prompt]) -> list[Written]:
        choices = _Choices()
        answers = self._generate(prompts, ANSWER_TOKENS, logits_processor=[choices])
        return [self._written(*one) for one in zip(answers, choices.of_rows(), strict=True)]

    def _written(self, token_ids: list[int], choices: Sequence[_Choice]) -> Written:
        said, complete = self._split(token_ids)
        begun = [[*said[:at], other] for at, other in self._drawn(said, choices)]
        texts = [self._tokenizer.decode(one) for one in begun]
        # A token may be half a sign; such a beginning is none in text.
        forks = [text for text, ids in zip(texts, begun, strict=True) if self._ids(text) == ids]
        return Written(self._tokenizer.decode(said), complete, forks)

    def _drawn(self, said: list[int], choices: Sequence[_Choice]) -> list[tuple[int, int]]:
        """Places to fork at with their other tokens, by lot, the likelier the more often."""
        rng = random.Random(str(said))
        lots = {}
        for at, (token_id, ((first, second), share)) in enumerate(zip(said, choices, strict=False)):
            other = second if first == token_id else first  # of two as likely either comes first
            if share > LIKELY and other not in self._end_ids:
                # The largest of u ** (1 / weight) are a weighted draw without replacement.
                lots[at, other] = rng.random() ** (1 / share)
        return nlargest(MOST_FORKS, lots, key=lots.__getitem__)

    def _continued(self, forks: Sequence[Prompt]) -> list[Written]:
        answers = []
        for prompt, token_ids in zip(forks, self._generate(forks, FORK_TOKENS), strict=True):
            said, complete = self._split(token_ids)
            begun = prompt.token_ids[len(prompt.token_ids) - prompt.begun :]
            text = self._tokenizer.decode([*begun, *said])
            # What follows may make another token of the last one: then it is no fork in text.
            is_whole = self._ids(text)[: prompt.begun] == begun
            answers.append(Written(text if is_whole else "", complete))
        return answers

    def _inventions(self, openings: Sequence[Prompt]) -> list[Written]:
        how = {"do_sample": True, "temperature": 1.0, "top_p": 0.95, "top_k": 0}
        prompts = [self._split(one) for one in self._generate(openings, PROMPT_TOKENS, **how)]
        return [Written(self._tokenizer.decode(said), complete) for said, complete in prompts]

    @torch.inference_mode()
    def _generate(
        self, prompts: Sequence[Prompt], max_new_tokens: int, **how: Any
    ) -> list[list[int]]:
        """What the model says behind each prompt, padded; greedy unless `how` says otherwise."""
        token_ids, attention = _left_pad([one.token_ids for one in prompts], self._end_ids[0])
        device = self._model.device
        out = self._model.generate(
            token_ids.to(device),
            attention_mask=attention.to(device),
            max_new_tokens=max_new_tokens,
            eos_token_id=self._end_ids,
            pad_token_id=self._end_ids[0],
            **({"do_sample": False, "repetition_penalty": 1.0} | how),
        )
        said: list[list[int]] = out[:, token_ids.shape[1] :].tolist()
        return said

    def _split(self, token_ids: list[int]) -> tuple[list[int], bool]:
        """What was said before an end token, and whether there is one."""
        ends = (at for at, token_id in enumerate(token_ids) if token_id in self._end_ids)
        end = next(ends, None)
        return token_ids[:end], end is not None

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _remember(self, texts: dict[str, Written]) -> None:
        self._known |= texts
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        with self._cache.open("a", encoding="utf-8") as file:
            for key, written in texts.items():
                file.write(json.dumps([key, *written], ensure_ascii=False) + "\n")

    def _answered(self, row: Row) -> Row | None:
        if not row.lacks_answer:
            return row
        written = self._known.get(_key(row))
        if written is None or not written.text.strip():
            return None
        turns = (*row.messages, Message("assistant", written.text))
        return replace(row, messages=turns, complete=written.complete)


class _Choices:
    """Notes the two most likely tokens of each step of a generation; changes nothing."""

    def __init__(self) -> None:
        self._tokens: list[Tensor] = []
        self._shares: list[Tensor] = []

    def __call__(self, _token_ids: Tensor, scores: Tensor) -> Tensor:
        """Called by `generate` with logits [B, V]."""
        if len(self._tokens) < FORK_TOKENS:
            best = scores.topk(2)
            self._tokens.append(best.indices.cpu())
            self._shares.append((best.values[:, 1] - best.values[:, 0]).exp().cpu())
        return scores

    def of_rows(self) -> Iterator[list[_Choice]]:
        """Of each row, step by step."""
        tokens, shares = (torch.stack(one, 1).tolist() for one in (self._tokens, self._shares))
        return (list(zip(*both, strict=True)) for both in zip(tokens, shares, strict=True))


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
    turns += f"\0{row.begun}" if row.begun else ""
    return hashlib.sha256(turns.encode()).hexdigest()[:24]


def _read_cache(path: Path) -> dict[str, Written]:
    if not path.is_file():
        return {}
    lines = _lines(path)
    # Lines of before there were forks are answered again.
    return {line[0]: Written(*line[1:]) for line in lines if len(line) == 1 + len(Written._fields)}


def _lines(path: Path) -> Iterator[list[Any]]:
    for line in path.read_text(encoding="utf-8").split("\n"):
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue  # a line torn by a killed run is simply answered again


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
