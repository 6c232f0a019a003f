"""From rows of text to token sequences, and from sequences to batches.

A row of a file is one JSON object: a chat (`messages`), a pair (`prompt`, `response`) or a
`text`. A chat or pair without an answer gets one from the model (see `synthesis.py`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.engine.prompt import render
from core.engine.request import Message
from core.errors import KnownError
from core.train.layout import Layout, build_layout, draw_k, draw_regions, offset_stream
from core.train.spec import TrainSpec

SUFFIXES = (".jsonl", ".txt", ".md")


@dataclass(frozen=True)
class Row:
    """One training text.

    Attributes:
        messages: A chat; its last turn is the answer if there is one. Empty for plain text.
        text: Plain text; empty for a chat.
        complete: Whether the answer came to its end, so that an end token belongs behind it.
    """

    messages: tuple[Message, ...] = ()
    text: str = ""
    family: str = ""
    complete: bool = True

    @property
    def lacks_answer(self) -> bool:
        """Whether the model still has to answer."""
        return bool(self.messages) and self.messages[-1].role != "assistant"


@dataclass(frozen=True)
class Sample:
    """A row in tokens; positions from `first` on may be anchors."""

    token_ids: tuple[int, ...]
    first: int


def read_rows(paths: Sequence[str]) -> list[Row]:
    """Rows of files and folders.

    Raises:
        KnownError: for a missing path, a bad line (by number), or nothing at all.
    """
    rows = [row for path in paths for file in _files(Path(path)) for row in _rows_of(file)]
    if not rows:
        raise KnownError(f"No rows were found in {', '.join(paths)}.")
    return rows


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
    if not path.is_file():
        raise KnownError(f"{path} does not exist.")
    if path.suffix not in SUFFIXES:
        raise KnownError(f"{path.name} is of no known kind.", f"Use {', '.join(SUFFIXES)}.")
    return [path]


def _rows_of(file: Path) -> Iterator[Row]:
    text = file.read_text(encoding="utf-8", errors="replace")
    if file.suffix != ".jsonl":
        if text.strip():
            yield Row(text=text)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield _row(json.loads(line))
            except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
                raise KnownError(
                    f"{file}, line {number} is no row of a chat, pair or text ({error}).",
                    'Use "messages", "prompt" with "response", or "text".',
                ) from error


def _row(data: dict[str, Any]) -> Row:
    family = data.get("family") or ""
    if "messages" in data:
        turns = tuple(Message(one["role"], _text(one["content"])) for one in data["messages"])
        if not any(turn.role == "user" and turn.content.strip() for turn in turns):
            raise KeyError("no turn of a user")
        return Row(turns, family=family, complete=data.get("complete", True))
    if "prompt" in data:
        turns = (Message("user", _text(data["prompt"])),)
        if data.get("response"):
            turns += (Message("assistant", _text(data["response"])),)
        return Row(turns, family=family)
    return Row(text=_text(data["text"]), family=family)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{value!r} is no text")
    return value


def row_to_json(row: Row) -> str:
    """One line of a data file."""
    turns = [{"role": one.role, "content": one.content} for one in row.messages]
    data = {"messages": turns} if row.messages else {"text": row.text}
    about = {"family": row.family, "complete": row.complete}
    return json.dumps({**data, **about}, ensure_ascii=False)


def to_samples(row: Row, tokenizer: Any, end_id: int, context: int) -> list[Sample]:
    """Token sequences of a row of at most `context` tokens; long texts become several."""
    if row.messages:
        prompt_ids = render(tokenizer, row.messages[:-1])[1]
        answer = tokenizer.encode(row.messages[-1].content, add_special_tokens=False)
        ids = [*prompt_ids, *answer, *([end_id] if row.complete else [])][:context]
        return [Sample(tuple(ids), len(prompt_ids) - 1)] if len(prompt_ids) < len(ids) else []
    ids = tokenizer.encode(row.text, add_special_tokens=False)
    pieces = [ids[start : start + context] for start in range(0, len(ids), context)]
    return [Sample(tuple(piece), 0) for piece in pieces if len(piece) > 2]


def split_rows(rows: Sequence[Row], held_out: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Different training rows and held-out ones, at most a fifth of all, by a seeded shuffle."""
    # A text given twice must not land on both sides.
    order = list({(row.messages, row.text): row for row in rows}.values())
    random.Random(f"split {seed}").shuffle(order)
    held_out = min(held_out, len(order) // 5)
    return order[held_out:], order[:held_out]


def step_indices(step: int, count: int, samples: int, seed: int) -> list[int]:
    """Which samples step `step` trains on: epoch by epoch, each in an order of its own.

    It depends on the step alone, so a resumed run reads on where the first one stopped.
    """
    places = (divmod(place, samples) for place in range(step * count, (step + 1) * count))
    return [_epoch_order(epoch, samples, seed)[at] for epoch, at in places]


@lru_cache(maxsize=2)
def _epoch_order(epoch: int, samples: int, seed: int) -> tuple[int, ...]:
    order = list(range(samples))
    random.Random(f"epoch {seed} {epoch}").shuffle(order)
    return tuple(order)


def make_batch(
    samples: Sequence[Sample], spec: TrainSpec, step: int, first_row: int
) -> tuple[Tensor, Layout]:
    """Token ids [B, L], right-padded, and the layout of their mask rows.

    k and offset of a row come from (seed, step, row) alone, independently of each other.
    """
    length = max(len(sample.token_ids) for sample in samples)
    token_ids = torch.zeros(len(samples), length, dtype=torch.long)
    regions = []
    for b, sample in enumerate(samples):
        row = first_row + b
        token_ids[b, : len(sample.token_ids)] = torch.tensor(sample.token_ids)
        k = draw_k(spec.seed, step, row, spec.k_min, spec.k_max)
        offset = offset_stream(spec.seed, step, row)
        regions.append(draw_regions(sample.first, len(sample.token_ids), k, spec.mask_rows, offset))
    return token_ids, build_layout(regions, length)
