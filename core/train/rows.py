"""The rows of a run: read from files, written by the model where answers are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from core.documents.records import ColumnMap, Row
from core.documents.report import Report
from core.errors import Cancelled, KnownError
from core.model.fingerprint import cached_weights_hash
from core.model.loading import Loaded
from core.paths import Paths
from core.train.data import CHECK, read_rows, write_rows, written_rows
from core.train.passages import chats_about, into_passages, question_rows
from core.train.reporter import Reporter
from core.train.spec import SYNTHESIS_SHARE, TrainSpec
from core.train.synthesis import Advance, Writer, family_rows
from core.train.wishes import Wishes

ROWS_FILE = "rows.jsonl"
FAMILY_ROWS = 400
INVENTED_ROWS = 400


def gather_rows(
    run_dir: Path,
    spec: TrainSpec,
    writer: Writer,
    report: Reporter,
    wishes: Wishes,
) -> list[Row]:
    """All rows of a run, each with its answer; gathered once and kept in the run's folder.

    Raises:
        KnownError: if nothing can be read, no row got an answer in time, or the disk is full.
        Cancelled: if a stop is asked for.
    """
    stored = run_dir / ROWS_FILE
    if stored.is_file():
        # A resumed run sees the rows of its start, in their order: the held-out ones stay so.
        return written_rows(stored)
    began, allowed = wishes.now(), (spec.minutes or float("inf")) * 60 * SYNTHESIS_SHARE
    rows = _given_rows(spec, report, wishes.stop) if spec.data else []
    asking = _Progress(report, wishes, began + allowed / 2)
    answering = _Progress(report, wishes, began + allowed)
    rows = _with_answers(_with_chats(rows, spec, writer, asking), spec, writer, answering)
    write_rows(stored, rows)
    return rows


ENOUGH_ASKED = 0.5
"""Where the model asks about a smaller share of the passages, the texts stay beside the chats."""


def _given_rows(spec: TrainSpec, report: Reporter, stop_asked: Callable[[], bool]) -> list[Row]:
    """The rows of the user's files; what was left out is told."""
    columns = ColumnMap.parse(spec.columns) if spec.columns else None
    files = Report(spec.leave_out_secrets)
    rows = read_rows(spec.data, files, columns, stop_asked)
    lot = f"Of them {len(rows):,} were drawn by lot." if len(rows) < files.rows else ""
    check = CHECK if files.findings else ""
    report.say("data", " ".join(filter(None, (files.summary(), lot, check))))
    return rows


def _with_chats(rows: list[Row], spec: TrainSpec, writer: Writer, advance: Advance) -> list[Row]:
    """Texts in passages, and chats about these beside them or in their place."""
    rows = into_passages(rows)
    if spec.passages == "text":
        return rows
    questions = question_rows(rows, spec.seed)
    chats = chats_about(writer.answer(questions, advance))
    if spec.passages == "chats" and len(chats) > ENOUGH_ASKED * len(questions):
        rows = [row for row in rows if row.messages]
    return rows + chats


def _with_answers(rows: list[Row], spec: TrainSpec, writer: Writer, advance: Advance) -> list[Row]:
    if spec.synthesize:
        rows += family_rows(FAMILY_ROWS, spec.seed)
    if not spec.synthesize and not any(row.lacks_answer for row in rows):
        return rows
    if spec.synthesize:
        rows += writer.invent_prompts(INVENTED_ROWS, spec.seed, advance)
    answered = writer.answer(rows, advance)
    if not answered:
        raise KnownError("No row got an answer in the time given.", "Allow more minutes.")
    return answered


def new_writer(
    loaded: Loaded, end_ids: Sequence[int], paths: Paths, model: str, say: Callable[[str], None]
) -> Writer:
    """A writer whose cache belongs to exactly these weights; `say` as for `Writer`."""
    name = cached_weights_hash(Path(model), paths.cache)[:16]
    cache = paths.answers / f"{name}.jsonl"
    return Writer(loaded.model, loaded.tokenizer, end_ids, cache, say)


class _Progress:
    """Tells how far the writing is, waits in a pause, and says no once the time is up."""

    def __init__(self, report: Reporter, wishes: Wishes, deadline: float) -> None:
        self._report, self._wishes, self._deadline = report, wishes, deadline

    def __call__(self, done: int, total: int) -> bool:
        self._wishes.wait_while_paused(partial(self._report.say, "pause"))
        # Behind the pause: what is said last is what goes on.
        self._report.say("synthesis", f"{done} of {total} written by the model.")
        if self._wishes.stop():
            raise Cancelled
        return self._wishes.now() < self._deadline
