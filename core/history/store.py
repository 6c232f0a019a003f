"""The history in SQLite: every answer, training, bench and race is a row.

Each call opens a session of its own, so a store may be used from several threads. It returns
frozen records; no row object of SQLAlchemy leaves this package.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self, cast

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core import jsonl
from core.errors import KnownError
from core.events import GenerationEvent
from core.history.database import Database
from core.history.records import (
    EVERYTHING,
    ChatDetail,
    ChatRecord,
    RunDetail,
    RunFilter,
    RunRecord,
    Turn,
)
from core.history.search import LIST_COLUMNS, conditions
from core.history.tables import ChatRow, RunRow, TraceRow
from core.history.training import read_training
from core.processes import is_gone

DETAIL_FIELDS = tuple(field.name for field in dataclasses.fields(RunDetail))
AT_ONCE = 500  # rows to a DELETE: SQLite limits the parameters of a statement


class HistoryStore:
    """The history of one user.

    Args:
        path: The database file; created where absent.

    Raises:
        KnownError: the file is newer, foreign, locked or not writable; it is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._mark_interrupted()
        self.refresh_training()

    @property
    def notice(self) -> str:
        """A sentence for the user if a damaged file was kept aside, else ""."""
        return self._database.notice

    def close(self) -> None:
        """Give the file back; the store cannot be used afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        """Use the store in a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close at the end of the block."""
        self.close()

    # Runs

    def save_run(
        self, run: RunDetail, events: Sequence[GenerationEvent] = (), *, create: bool = True
    ) -> bool:
        """Write a run, new or grown, and append events to its trace, all or nothing.

        Args:
            run: The run as it now is.
            events: What the trace does not hold yet.
            create: Whether the row may be new. A growing answer says no, so that a row the user
                deleted meanwhile stays deleted.

        Returns:
            Whether the run is in the history now.
        """
        with self._database.writing() as session:
            row = session.scalar(select(RunRow).where(RunRow.id == run.id))
            if row is None and not create:
                return False
            row = row or RunRow()
            for name, value in dataclasses.asdict(run).items():
                setattr(row, name, value)
            owned = run.state == "running" and run.kind != "training"
            row.pid, row.host = (os.getpid(), platform.node()) if owned else (None, None)
            session.add(row)
            session.flush()
            if events:
                _append_trace(session, row.key, events)
        return True

    def track_training(self, run_dir: Path) -> str:
        """Write the row of a training, new or grown, from the events in its folder.

        Returns:
            The run's id.

        Raises:
            KnownError: the folder holds no training run.
        """
        run = read_training(run_dir)
        self.save_run(run)
        return run.id

    def refresh_training(self) -> None:
        """Bring the rows of trainings that were still running up to date."""
        with self._database.reading() as session:
            folders = session.scalars(
                select(RunRow.run_dir).where(RunRow.kind == "training", RunRow.state == "running")
            ).all()
        for folder in folders:
            with contextlib.suppress(KnownError):  # a folder that is gone leaves its row as it is
                self.save_run(read_training(Path(folder or "")), create=False)

    def list_runs(
        self, wanted: RunFilter = EVERYTHING, limit: int = 200, offset: int = 0
    ) -> tuple[RunRecord, ...]:
        """Runs that pass the filter, newest first."""
        statement = (
            select(*LIST_COLUMNS)
            .where(*conditions(wanted))
            .order_by(RunRow.created_at.desc(), RunRow.key.desc())
            .limit(limit)
            .offset(offset)
        )
        with self._database.reading() as session:
            return tuple(RunRecord(**row) for row in session.execute(statement).mappings())

    def count_runs(self, wanted: RunFilter = EVERYTHING) -> int:
        """How many runs pass the filter."""
        with self._database.reading() as session:
            statement = select(func.count()).select_from(RunRow).where(*conditions(wanted))
            return session.scalar(statement) or 0

    def model_names(self) -> tuple[str, ...]:
        """Every model that some run used, by name."""
        with self._database.reading() as session:
            return tuple(session.scalars(select(RunRow.model).distinct().order_by(RunRow.model)))

    def get_run(self, run_id: str) -> RunDetail:
        """One run, opened.

        Raises:
            KnownError: there is no such run.
        """
        with self._database.reading() as session:
            row = session.scalar(select(RunRow).where(RunRow.id == run_id))
            if row is None:
                raise KnownError(
                    f"There is no run {run_id} in the history.", "`stride runs list` shows them."
                )
            return RunDetail(**{name: getattr(row, name) for name in DETAIL_FIELDS})

    def trace(self, run_id: str) -> tuple[GenerationEvent, ...]:
        """Every event of an answer, as far as it got, or of a race's last side; else empty."""
        statement = (
            select(TraceRow.data)
            .join(RunRow, RunRow.key == TraceRow.run_key)
            .where(RunRow.id == run_id)
            .order_by(TraceRow.part)
        )
        with self._database.reading() as session:
            text = b"".join(zlib.decompress(data) for data in session.scalars(statement))
        return cast("tuple[GenerationEvent, ...]", tuple(jsonl.parse_lines(text, "the trace")))

    def delete_runs(self, run_ids: Iterable[str]) -> int:
        """Delete runs with their traces; a training's folder stays. Returns how many there were."""
        wanted = tuple(run_ids)
        deleted = 0
        with self._database.writing() as session:
            for start in range(0, len(wanted), AT_ONCE):
                some = wanted[start : start + AT_ONCE]
                result = session.execute(delete(RunRow).where(RunRow.id.in_(some)))
                deleted += result.rowcount  # type: ignore[attr-defined]
        return deleted

    def _mark_interrupted(self) -> None:
        """Rows that a dead process of this host left running are marked; what they hold stays."""
        columns = (RunRow.key, RunRow.pid, RunRow.host, RunRow.created_at)
        running = select(*columns).where(RunRow.state == "running", RunRow.pid.is_not(None))
        with self._database.reading() as session:
            rows = session.execute(running).all()
        gone = [row.key for row in rows if is_gone(row.pid, row.host, row.created_at)]
        if gone:  # opening writes only where there is a reason to
            marked = {"state": "interrupted", "pid": None, "host": None}
            with self._database.writing() as session:
                session.execute(update(RunRow).where(RunRow.key.in_(gone)).values(**marked))

    # Chats

    def save_chat(self, chat: ChatDetail) -> None:
        """Write a chat, new or changed."""
        with self._database.writing() as session:
            row = session.scalar(select(ChatRow).where(ChatRow.id == chat.id)) or ChatRow()
            for name, value in dataclasses.asdict(chat).items():
                setattr(row, name, list(value) if name == "turns" else value)
            session.add(row)

    def list_chats(self) -> tuple[ChatRecord, ...]:
        """Every chat, the one last used first."""
        statement = select(
            ChatRow.id, ChatRow.title, ChatRow.created_at, ChatRow.updated_at
        ).order_by(ChatRow.updated_at.desc(), ChatRow.key.desc())
        with self._database.reading() as session:
            return tuple(ChatRecord(**row) for row in session.execute(statement).mappings())

    def get_chat(self, chat_id: str) -> ChatDetail:
        """One chat, opened.

        Raises:
            KnownError: there is no such chat.
        """
        with self._database.reading() as session:
            row = session.scalar(select(ChatRow).where(ChatRow.id == chat_id))
            if row is None:
                raise KnownError("This chat is no longer in the history.")
            return ChatDetail(
                id=row.id,
                title=row.title,
                created_at=row.created_at,
                updated_at=row.updated_at,
                system=row.system,
                turns=tuple(Turn(**turn) for turn in row.turns),
            )

    def delete_chat(self, chat_id: str) -> None:
        """Delete a chat; its answers stay in the history as runs."""
        with self._database.writing() as session:
            session.execute(delete(ChatRow).where(ChatRow.id == chat_id))


def _append_trace(session: Session, run_key: int, events: Sequence[GenerationEvent]) -> None:
    parts = select(func.count()).select_from(TraceRow).where(TraceRow.run_key == run_key)
    lines = "".join(f"{jsonl.dumps(event)}\n" for event in events)
    session.add(
        TraceRow(
            run_key=run_key,
            part=session.scalar(parts) or 0,
            data=zlib.compress(lines.encode("utf-8", errors="replace")),
        )
    )
