"""The tables of the history. Their DDL lives in `migrations/`; a test holds the two together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Common base: dictionaries and lists are stored as JSON."""

    type_annotation_map = {dict[str, Any]: JSON, list[dict[str, Any]]: JSON}


class RunRow(Base):
    """One run. Long texts come last: SQLite then reads lists without them."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_created_at", "created_at"),
        Index("runs_kind", "kind", "created_at"),
        Index("runs_model", "model", "created_at"),
        Index("runs_state", "state", "created_at"),
    )

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[float]
    source: Mapped[str]
    model: Mapped[str]
    adapter: Mapped[str | None]
    title: Mapped[str]
    chat_id: Mapped[str | None]
    pid: Mapped[int | None]
    host: Mapped[str | None]
    run_dir: Mapped[str | None]
    summary: Mapped[dict[str, Any]]
    settings: Mapped[dict[str, Any]]
    machine: Mapped[dict[str, Any]]
    prompt: Mapped[str]
    answer: Mapped[str]


class TraceRow(Base):
    """A stretch of a run's events: compressed JSON lines, in the order of `part`.

    A run is written in parts so that saving a growing answer costs only what is new.
    """

    __tablename__ = "traces"

    run_key: Mapped[int] = mapped_column(
        ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True
    )
    part: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ChatRow(Base):
    """One chat; its turns are read and written as a whole."""

    __tablename__ = "chats"
    __table_args__ = (Index("chats_updated_at", "updated_at"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    created_at: Mapped[float]
    updated_at: Mapped[float]
    system: Mapped[str]
    turns: Mapped[list[dict[str, Any]]]
