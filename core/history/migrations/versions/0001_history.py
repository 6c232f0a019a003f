"""Runs, their traces, chats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("adapter", sa.String),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("chat_id", sa.String),
        sa.Column("pid", sa.Integer),
        sa.Column("host", sa.String),
        sa.Column("run_dir", sa.String),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("machine", sa.JSON, nullable=False),
        sa.Column("prompt", sa.String, nullable=False),
        sa.Column("answer", sa.String, nullable=False),
    )
    op.create_index("runs_created_at", "runs", ["created_at"])
    for column in ("kind", "model", "state"):
        op.create_index(f"runs_{column}", "runs", [column, "created_at"])
    op.create_table(
        "traces",
        sa.Column(
            "run_key", sa.Integer, sa.ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "chats",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("system", sa.String, nullable=False),
        sa.Column("turns", sa.JSON, nullable=False),
    )
    op.create_index("chats_updated_at", "chats", ["updated_at"])
