"""The rows of a run: read from files, written by the model where answers are missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from core.documents.records import ColumnMap, Row
from core.documents.report import Report, names_of
from core.errors import Cancelled, KnownError
from core.model.fingerprint import cached_weights_hash
from core.model.loading import Loaded
from core.paths import Paths
from core.train.data import CHECK, read_rows, write_rows, written_rows
from core.train.passages import chats_about, into_passages, question_rows
from core.train.reporter import Reporter
from core.train.spec import SYNTHESIS_SHARE, TrainSpec
from core.train.synthesis import Writer, family_rows
from core.train.wishes import Wishes
from core.wording import many

ROWS_FILE = "rows.jsonl"
FAMILY_ROWS = 400
INVENTED_ROWS = 400
LOOK_SECONDS = 0.2
"""Between two looks for a wish while reading, each of which asks the file system."""
TELL_SECONDS = 5.0
"""Between two words on how far the reading is."""


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
    clock = _Clock(report, wishes, (spec.minutes or math.inf) * 60 * SYNTHESIS_SHARE)
    # Each part may take half of what the ones before it have left.
    rows = _given_rows(spec, report, clock.half()) if spec.data else []
    rows = _with_chats(rows, spec, writer, clock.half())
    rows = _with_answers(rows, spec, writer, clock)
    write_rows(stored, rows)
    return rows


ENOUGH_ASKED = 0.5
"""Where the model asks about a smaller share of the passages, the texts stay beside the chats."""


def _given_rows(spec: TrainSpec, report: Reporter, clock: _Clock) -> list[Row]:
    """The rows of the user's files; what was left out is told."""
    columns = ColumnMap.parse(spec.columns) if spec.columns else None
    files = Report(spec.leave_out_secrets)
    rows = read_rows(spec.data, files, columns, partial(clock.read, files))
    if columns and not files.mapped:
        raise KnownError(f"No table has the columns {spec.columns}.", CHECK)
    if clock.is_up:
        report.warn(f"Reading ended after {many(files.rows, 'row')}: its time was over.")
    if skipped := [file for file in files.files if file.state == "skipped"]:
        report.warn(f"Nothing could be read of {names_of(skipped)}.")
    lot = f"Of them {len(rows):,} were drawn by lot." if len(rows) < files.rows else ""
    check = CHECK if files.findings else ""
    report.say("data", " ".join(filter(None, (files.summary(), lot, check))))
    return rows


def _with_chats(rows: list[Row], spec: TrainSpec, writer: Writer, clock: _Clock) -> list[Row]:
    """Texts in passages, and chats about these beside them or in their place."""
    rows = into_passages(rows)
    if spec.passages == "text":
        return rows
    questions = question_rows(rows, spec.seed)
    asked = writer.answer(questions, clock.written, clock.seconds_left)
    if late := len(questions) - len(asked):
        passages = many(len(questions), "passage")
        clock.warn(f"{late:,} of {passages} were not asked about: no time, or no question came.")
    chats = chats_about(asked)
    if spec.passages == "chats" and len(chats) > ENOUGH_ASKED * len(questions):
        rows = [row for row in rows if row.messages]
    return rows + chats


def _with_answers(rows: list[Row], spec: TrainSpec, writer: Writer, clock: _Clock) -> list[Row]:
    if spec.synthesize:
        rows += family_rows(FAMILY_ROWS, spec.seed)
    if not spec.synthesize and not any(row.lacks_answer for row in rows):
        return rows
    if spec.synthesize:
        half = clock.half()
        rows += writer.invent_prompts(INVENTED_ROWS, spec.seed, half.written, half.seconds_left)
    answered = writer.answer(rows, clock.written, clock.seconds_left)
    if lost := len(rows) - len(answered):
        told = f"{lost:,} of {many(len(rows), 'row')} got no answer in time, or a blank one"
        clock.warn(f"{told}: they are left out.")
    if not answered:
        raise KnownError("No row got an answer in the time given.", "Allow more minutes.")
    return answered


def new_writer(
    loaded: Loaded,
    end_ids: Sequence[int],
    paths: Paths,
    spec: TrainSpec,
    say: Callable[[str], None],
) -> Writer:
    """A writer whose cache belongs to exactly the spec's model; `say` as for `Writer`."""
    name = cached_weights_hash(Path(spec.model), paths.cache)[:16]
    cache = paths.answers / f"{name}.jsonl"
    return Writer(loaded.model, loaded.tokenizer, end_ids, cache, spec.context, say)


class _Clock:
    """Tells how far the rows are, waits in a pause, and says no once the time is up.

    Args:
        report: Told now and then.
        wishes: To stop or to wait; its time stands still in a pause.
        seconds: That are left.

    Attributes:
        is_up: Whether it has said no.
    """

    def __init__(self, report: Reporter, wishes: Wishes, seconds: float) -> None:
        self._report, self._wishes = report, wishes
        self._deadline = wishes.now() + seconds
        self._look_at = wishes.now()
        self._tell_at = self._look_at + TELL_SECONDS
        self.is_up = False

    def warn(self, message: str) -> None:
        """Tell what the user should come to see."""
        self._report.warn(message)

    def half(self) -> _Clock:
        """A clock with half of the time that is left."""
        return _Clock(self._report, self._wishes, self.seconds_left() / 2)

    def seconds_left(self) -> float:
        """Until the time is up; below 0 afterwards."""
        return self._deadline - self._wishes.now()

    def read(self, files: Report) -> bool:
        """Something was read; whether to go on.

        Raises:
            Cancelled: if a stop is asked for.
        """
        now = self._wishes.now()
        if now < self._look_at:
            return True
        self._look_at = now + LOOK_SECONDS
        goes_on = self._goes_on()
        if now >= self._tell_at:
            self._tell_at = now + TELL_SECONDS
            self._report.say("data", f"{many(files.rows, 'row')} read so far.")
        return goes_on

    def written(self, done: int, total: int) -> bool:
        """The model has written some; whether to go on.

        Raises:
            Cancelled: if a stop is asked for.
        """
        goes_on = self._goes_on()
        # Behind a pause: what is said last is what goes on.
        self._report.say("synthesis", f"{done} of {total} written by the model.")
        return goes_on

    def _goes_on(self) -> bool:
        self._wishes.wait_while_paused(partial(self._report.say, "pause"))
        if self._wishes.stop():
            raise Cancelled
        self.is_up = self.seconds_left() <= 0
        return not self.is_up
