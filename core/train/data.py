"""From files to rows of text, and from rows to token sequences. No torch.

Files are read by `core.documents`. A chat or pair without an answer gets one from the model (see
`synthesis.py`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.documents.duplicates import Duplicates
from core.documents.process import read_documents
from core.documents.records import ColumnMap, Row, row_to_dict
from core.documents.report import Report
from core.documents.roles import to_row
from core.engine.prompt import render
from core.errors import KnownError
from core.train.durable import put_in_place, remedy

MOST_ROWS = 100_000
MOST_COMPARED = 20_000
CHECK = (
    "The page Files of the wizard, or `stride data check PATH`, tells of every file what was read."
)


@dataclass(frozen=True)
class Sample:
    """A row in tokens; positions from `first` on may be anchors."""

    token_ids: tuple[int, ...]
    first: int


def read_rows(
    paths: Sequence[str],
    report: Report,
    columns: ColumnMap | None = None,
    goes_on: Callable[[], bool] = lambda: True,
) -> list[Row]:
    """Rows of files and folders; what could not be read stands in the report.

    Of more than `MOST_ROWS` a seeded lot is drawn, each row with the same chance (reservoir
    sampling): a training sees some thousand rows, and all must lie in memory.

    Args:
        paths: Files and folders.
        report: Kept of each file.
        columns: What holds what in tables of unknown columns.
        goes_on: As in `Report.follow`.

    Raises:
        KnownError: if there is no row at all, with the first reason.
    """
    rows: list[Row] = []
    lot = random.Random("rows")
    with closing(read_documents(paths, columns)) as found:
        for seen, record in enumerate(report.follow(found, goes_on)):
            if len(rows) < MOST_ROWS:
                rows.append(record.row)
            elif (place := lot.randint(0, seen)) < MOST_ROWS:
                rows[place] = record.row
    if not rows:
        raise KnownError(f"No rows were found in {', '.join(paths)}.{_first_reason(report)}", CHECK)
    return rows


def _first_reason(report: Report) -> str:
    for one in sorted(report.findings, key=lambda one: one.kind == "note"):
        where = f"{one.file}, {one.place}" if one.place else one.file
        return f" {where}: {one.why}."
    return ""


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows to a file of JSON lines; it is there whole or not at all.

    Raises:
        KnownError: if the disk is full or not writable.
    """
    draft = path.with_suffix(".new")
    try:
        draft.write_text("".join(row_to_json(row) + "\n" for row in rows), encoding="utf-8")
        put_in_place(draft, path)
    except OSError as error:
        raise KnownError(
            f"The rows of the run could not be written: {error}.",
            remedy(error),
        ) from error


def written_rows(path: Path) -> list[Row]:
    """The rows that `write_rows` wrote, each of them, in their order."""
    # By newline alone: a text may hold the other signs that end a line for `splitlines`.
    lines = path.read_text(encoding="utf-8").split("\n")
    written = [json.loads(line) for line in lines if line]
    return [replace(to_row(one), passage=one.get("passage", "")) for one in written]


def row_to_json(row: Row) -> str:
    """One line of a data file."""
    return json.dumps(row_to_dict(row), ensure_ascii=False)


def to_samples(row: Row, tokenizer: Any, end_id: int | None, context: int) -> list[Sample]:
    """Token sequences of a row of at most `context` tokens; long texts become several.

    Raises:
        KnownError: if the model's template refuses the chat.
    """
    if row.messages:
        prompt_ids = render(tokenizer, row.messages[:-1])[1]
        answer = tokenizer.encode(row.messages[-1].content, add_special_tokens=False)
        ids = [*prompt_ids, *answer, *([end_id] if row.complete and end_id is not None else [])][
            :context
        ]
        return [Sample(tuple(ids), len(prompt_ids) - 1)] if len(prompt_ids) < len(ids) else []
    ids = tokenizer.encode(row.text, add_special_tokens=False)
    pieces = [ids[start : start + context] for start in range(0, len(ids), context)]
    return [Sample(tuple(piece), 0) for piece in pieces if len(piece) > 2]


def usable_samples(
    rows: Iterable[Row], tokenizer: Any, end_id: int | None, context: int
) -> dict[Row, list[Sample]]:
    """The samples of each row that has something to learn from.

    Raises:
        KnownError: if none has.
    """
    cut = {row: _cut(row, tokenizer, end_id, context) for row in rows}
    usable = {row: samples for row, samples in cut.items() if samples}
    if not usable:
        raise KnownError(
            "No row has an answer to learn from within the context.",
            "Give longer texts, or a larger context.",
        )
    return usable


def _cut(row: Row, tokenizer: Any, end_id: int | None, context: int) -> list[Sample]:
    try:
        return to_samples(row, tokenizer, end_id, context)
    except KnownError:
        return []  # the model's template refuses this chat


def split_rows(rows: Sequence[Row], held_out: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Different training rows and held-out ones, at most a fifth of all, by a seeded shuffle.

    A text given twice does not land on both sides, and neither does what speaks of one passage.
    """
    different = list({(row.messages, row.text): row for row in rows}.values())
    random.Random(f"split {seed}").shuffle(different)
    held_out = min(held_out, len(different) // 5)
    passages = {row.passage for row in different[:held_out] if row.passage}
    rest = [row for row in different[held_out:] if row.passage not in passages]
    return rest, different[:held_out]


def nearly_repeated(held_out: Sequence[Row], rows: Sequence[Row]) -> int:
    """How many of the held-out rows some training row repeats, but for a few words.

    Of very many rows the first `MOST_COMPARED`, a lot drawn by the split, stand for all.
    """
    known = Duplicates()
    for row in rows[:MOST_COMPARED]:
        known.seen(row.content)
    return sum(known.seen(row.content, remember=False) is not None for row in held_out)


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
