"""Opens the database file with care, and turns every trouble with it into a sentence.

Newer and foreign files are left alone, damaged ones are kept aside, older ones are copied before
their migration.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from core.errors import KnownError

BUSY_SECONDS = 5.0
MIGRATIONS = Path(__file__).parent / "migrations"
DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def prepare(path: Path, migrations: Path = MIGRATIONS) -> str:
    """Make sure that a usable database of today's version lies at `path`.

    Args:
        path: The database file; it and its folder are created where absent.
        migrations: Alembic's script folder.

    Returns:
        A sentence for the user if a damaged file was kept aside, else "".

    Raises:
        KnownError: the file is newer, foreign, locked or not writable; it is left as it is.
    """
    notice = ""
    revisions = _revisions(migrations)
    with known_troubles(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            revision = _read_revision(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            notice = set_aside(path)
            revision = ""
        _refuse_newer(path, revision, revisions)
        if revision != revisions[-1]:
            _migrate(path, migrations, revision)
    return notice


def check(path: Path, migrations: Path = MIGRATIONS) -> None:
    """Look at a database without changing anything; an absent one is fine.

    Raises:
        KnownError: the file is newer, foreign, damaged, locked or not readable.
    """
    with known_troubles(path):
        try:
            revision = _read_revision(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            raise KnownError(
                f"The history {path} is damaged.",
                "The next start keeps it aside and begins a new one.",
            ) from error
    _refuse_newer(path, revision, _revisions(migrations))


def _revisions(migrations: Path) -> list[str]:
    return sorted(file.stem.split("_")[0] for file in (migrations / "versions").glob("*.py"))


def _refuse_newer(path: Path, revision: str, revisions: list[str]) -> None:
    if revision and revision not in revisions:
        raise KnownError(
            f"The history {path} comes from a newer version of Stride. It was left as it is.",
            "Update Stride, or let STRIDE_HOME point to another folder.",
        )


def _read_revision(path: Path) -> str:
    """The revision of a history, "" where there is none yet; leaves no files behind.

    Without a log file nobody has the database open, and it may be read without one. If that
    fails another process may have begun to write meanwhile: only a look with locks tells.
    """
    if not path.exists() or path.stat().st_size == 0:
        return ""
    if not Path(f"{path}-wal").exists():
        with contextlib.suppress(sqlite3.DatabaseError):
            return _query_revision(path, "immutable=1")
    return _query_revision(path, "mode=ro")


def _query_revision(path: Path, mode: str) -> str:
    uri = f"{path.absolute().as_uri()}?{mode}"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not tables:
            return ""
        if "alembic_version" not in tables:
            raise KnownError(
                f"The database {path} is not a Stride history. It was left as it is.",
                "Move it away, or let STRIDE_HOME point to another folder.",
            )
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def _migrate(path: Path, migrations: Path, revision: str) -> None:
    """Bring the file to the newest revision in one transaction, keeping a copy of an old one."""
    from alembic import command
    from alembic.config import Config

    if revision:
        _copy(path, free_name(path, f"before-update-of-{revision}"))
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    engine = open_engine(path)
    try:
        with writing(engine).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _copy(path: Path, copy: Path) -> None:
    """A complete copy of a database, its write-ahead log included."""
    try:
        with (
            contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error:
        copy.unlink(missing_ok=True)
        raise


def set_aside(path: Path) -> str:
    """Rename a damaged database (with its log files) and say so in a sentence."""
    kept = free_name(path, "damaged")
    path.rename(kept)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{kept}{suffix}")
    return f"The history was damaged. It is kept as {kept}; a new history was started."


def free_name(path: Path, word: str) -> Path:
    """A name beside `path` that no file bears yet: `stride.WORD-DATE.db`."""
    stem = f"{path.stem}.{word}-{time.strftime('%Y%m%d-%H%M%S')}"
    candidate, number = path.with_name(f"{stem}{path.suffix}"), 2
    while candidate.exists():
        candidate, number = path.with_name(f"{stem}-{number}{path.suffix}"), number + 1
    return candidate


def open_engine(path: Path) -> Engine:
    """An engine whose transactions begin where we say; DDL is part of them."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin or commit by itself
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def writing(engine: Engine) -> Engine:
    """The engine for transactions that write: they wait for the lock at their very beginning.

    A transaction that reads first and writes later would fail at once if another wrote between.
    """
    return engine.execution_options(begin="BEGIN IMMEDIATE")


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite found the file itself broken, or Python a text that is none."""
    return _code(error) in DAMAGE or str(error).startswith("Could not decode to UTF-8")


def _code(error: BaseException | None) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextlib.contextmanager
def known_troubles(path: Path) -> Iterator[None]:
    """Turn what the world does to a database into `KnownError`; bugs pass through."""
    try:
        yield
    except OSError as error:
        raise KnownError(
            f"The history {path} cannot be opened: {error.strerror or error}.",
            "Check the folder's permissions and the free space.",
        ) from error
    except Exception as error:  # SQLAlchemy wraps the driver's error, whose code decides
        trouble = _sentence(getattr(error, "orig", error), path)
        if trouble is None:
            raise
        raise trouble from error


def _sentence(error: Any, path: Path) -> KnownError | None:
    match _code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return KnownError(
                f"The history {path} is locked by another program.",
                "Close the other program or try again in a moment.",
            )
        case sqlite3.SQLITE_FULL:
            return KnownError(
                f"The disk is full: the history {path} cannot be written.",
                "Free some space and try again.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return KnownError(
                f"The history {path} cannot be opened for writing.",
                "Check the permissions of the file and its folder.",
            )
        case sqlite3.SQLITE_IOERR:
            return KnownError(
                f"The history {path} cannot be read or written: the disk reports an error.",
                "Check the disk and its free space.",
            )
        case _:
            return None
