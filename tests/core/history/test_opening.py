"""Newer, foreign, locked, damaged and older files: each keeps what it holds."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.errors import KnownError
from core.history import opening
from core.history.opening import MIGRATIONS, check, open_engine, prepare
from core.history.store import HistoryStore
from core.history.tables import Base
from tests.core.history.runs import a_run
from tests.core.streams import answer


@pytest.fixture
def filled(database: Path) -> Path:
    """A history with forty runs and their traces, closed in good order."""
    with HistoryStore(database) as store:
        for number in range(40):
            store.save_run(a_run(str(number), answer="word " * 400), list(answer()))
    return database


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.02)


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def revision_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}


def test_a_new_history_is_made_where_there_is_none(database: Path) -> None:
    with HistoryStore(database) as store:
        assert store.count_runs() == 0
        assert store.notice == ""
    assert [file.name for file in database.parent.iterdir()] == ["stride.db"]


def test_an_empty_file_is_a_new_history(database: Path) -> None:
    database.parent.mkdir()
    database.touch()
    with HistoryStore(database) as store:
        assert (store.count_runs(), store.notice) == (0, "")


def test_pragmas_are_in_force(database: Path) -> None:
    prepare(database)
    engine = open_engine(database)
    with engine.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert values == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 5000}


def test_migrations_build_what_the_tables_say(database: Path) -> None:
    prepare(database)
    engine = open_engine(database)
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert difference == []


def test_a_newer_history_is_refused_untouched(filled: Path) -> None:
    run_sql(filled, "UPDATE alembic_version SET version_num = '9999'")
    before = state_of(filled.parent)
    with pytest.raises(KnownError, match="newer version of Stride") as caught:
        HistoryStore(filled)
    assert "Update Stride" in caught.value.next_step
    assert state_of(filled.parent) == before


def test_a_foreign_database_is_refused_untouched(database: Path) -> None:
    database.parent.mkdir()
    run_sql(database, "CREATE TABLE holiday_photos (name TEXT)")
    before = state_of(database.parent)
    with pytest.raises(KnownError, match="not a Stride history"):
        HistoryStore(database)
    assert state_of(database.parent) == before


def overwrite_all(path: Path) -> None:
    path.write_bytes(b"This is no database. " * 500)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite_start(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(5000))


@pytest.mark.parametrize("damage", [overwrite_all, truncate, overwrite_start])
def test_a_damaged_history_is_kept_aside(filled: Path, damage: Callable[[Path], None]) -> None:
    damage(filled)
    damaged = filled.read_bytes()
    with HistoryStore(filled) as store:
        assert "was damaged" in store.notice
        assert store.count_runs() == 0
        store.save_run(a_run("new"))
        assert store.count_runs() == 1
    (kept,) = filled.parent.glob("stride.damaged-*.db")
    assert kept.read_bytes() == damaged
    with HistoryStore(filled) as store:
        assert (store.notice, store.count_runs()) == ("", 1)


def read_all(store: HistoryStore) -> None:
    for number in range(40):
        store.get_run(str(number))
        store.trace(str(number))


def test_damage_met_while_working_is_kept_aside_too(filled: Path) -> None:
    size = filled.stat().st_size
    with filled.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size - size // 2))
    damaged = filled.read_bytes()
    with HistoryStore(filled) as store:
        with pytest.raises(KnownError, match="was damaged"):
            read_all(store)
        assert "was damaged" in store.notice
        store.save_run(a_run("new"))
        assert store.count_runs() == 1
    (kept,) = filled.parent.glob("stride.damaged-*.db")
    assert kept.read_bytes() == damaged


def test_what_was_kept_aside_is_never_overwritten(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "strftime", lambda _form: "20260101-000000")
    database.parent.mkdir()
    for text in (b"first wreck ", b"second wreck ", b"third wreck "):
        database.write_bytes(text * 200)
        HistoryStore(database).close()
    kept = [file.read_bytes() for file in sorted(database.parent.glob("stride.damaged-*"))]
    assert sorted(kept) == sorted(
        text * 200 for text in (b"first wreck ", b"second wreck ", b"third wreck ")
    )


def test_log_files_go_along_with_a_damaged_history(database: Path) -> None:
    database.parent.mkdir()
    overwrite_all(database)
    Path(f"{database}-wal").write_bytes(b"log")
    HistoryStore(database).close()
    (log,) = database.parent.glob("stride.damaged-*-wal")
    assert log.read_bytes() == b"log"


@pytest.mark.usefixtures("impatient")
def test_a_locked_history_is_a_sentence_and_stays(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(KnownError, match="locked by another program"):
            HistoryStore(filled)
    assert [file.name for file in filled.parent.iterdir()] == ["stride.db"]
    with HistoryStore(filled) as store:
        assert store.count_runs() == 40


@pytest.mark.usefixtures("impatient")
def test_a_writer_elsewhere_blocks_writing_but_no_reading(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with HistoryStore(filled) as store:
            assert store.count_runs() == 40
            with pytest.raises(KnownError, match="locked by another program"):
                store.save_run(a_run("new"))


def test_a_full_disk_is_a_sentence_and_loses_nothing(store: HistoryStore) -> None:
    store.save_run(a_run())
    with store._database.reading() as session:
        connection = session.connection()
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(KnownError, match="disk is full"):
        store.save_run(a_run("big", answer="x" * 100_000))
    assert store.get_run("one") == a_run()
    assert store.count_runs() == 1


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KnownError, match="cannot be opened"):
        HistoryStore(tmp_path / "file" / "stride.db")


def test_a_folder_in_the_place_of_the_file_is_a_sentence(database: Path) -> None:
    database.mkdir(parents=True)
    with pytest.raises(KnownError, match="cannot be"):
        HistoryStore(database)


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The migrations of a later version: one more column."""
    folder = tmp_path / "100% later"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "0002_stars.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        'revision, down_revision = "0002", "0001"\n\n'
        "def upgrade():\n"
        '    op.add_column("runs", sa.Column("stars", sa.Integer))\n',
        encoding="utf-8",
    )
    return folder


def test_an_older_history_is_copied_before_its_migration(filled: Path, later: Path) -> None:
    assert prepare(filled, later) == ""
    assert revision_of(filled) == "0002"
    run_sql(filled, "UPDATE runs SET stars = 5")
    (copy,) = filled.parent.glob("stride.before-update-of-0001-*.db")
    assert revision_of(copy) == "0001"
    with HistoryStore(copy) as store:
        assert store.count_runs() == 40
    with pytest.raises(KnownError, match="newer version"):
        HistoryStore(filled)


def test_a_migration_that_fails_changes_nothing(filled: Path, later: Path) -> None:
    with (later / "versions" / "0002_stars.py").open("a", encoding="utf-8") as file:
        file.write('    raise RuntimeError("no stars today")\n')
    with pytest.raises(RuntimeError, match="no stars today"):
        prepare(filled, later)
    assert revision_of(filled) == "0001"
    with HistoryStore(filled) as store:
        assert store.count_runs() == 40


def test_no_copy_without_a_migration(filled: Path) -> None:
    HistoryStore(filled).close()
    assert [file.name for file in filled.parent.iterdir()] == ["stride.db"]


def test_checking_changes_nothing(database: Path) -> None:
    check(database)
    assert not database.parent.exists()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (overwrite_all, "is damaged"),
        (lambda path: run_sql(path, "UPDATE alembic_version SET version_num = '9'"), "newer"),
    ],
)
def test_checking_names_the_trouble_and_leaves_it(
    filled: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    check(filled)
    spoil(filled)
    before = state_of(filled.parent)
    with pytest.raises(KnownError, match=sentence):
        check(filled)
    assert state_of(filled.parent) == before
