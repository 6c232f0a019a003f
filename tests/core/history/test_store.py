"""Runs and chats go in and come out again; lists stay cheap; threads and dead processes."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from core.errors import KnownError
from core.history.records import EVERYTHING, ChatDetail, ChatRecord, RunFilter, RunRecord, Turn
from core.history.search import LIST_COLUMNS, conditions
from core.history.store import HistoryStore
from core.history.tables import RunRow
from tests.core.history.runs import a_run, dead_pid
from tests.core.streams import answer


def ids(store: HistoryStore, wanted: RunFilter = EVERYTHING, **page: int) -> list[str]:
    return [run.id for run in store.list_runs(wanted, **page)]


def sql(path: Path, statement: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def test_a_run_comes_back_as_it_was(store: HistoryStore) -> None:
    run = a_run()
    assert store.save_run(run, list(answer()))
    assert store.get_run("one") == run
    assert store.trace("one") == tuple(answer())
    shown = {field.name: getattr(run, field.name) for field in fields(RunRecord)}
    assert store.list_runs() == (RunRecord(**shown),)


def test_a_growing_run_keeps_one_row_and_its_whole_trace(store: HistoryStore) -> None:
    events = list(answer())
    store.save_run(a_run(state="running", answer=""), events[:1])
    store.save_run(a_run(state="running", answer="one"), events[1:3], create=False)
    store.save_run(a_run(), events[3:], create=False)
    assert store.count_runs() == 1
    assert store.get_run("one") == a_run()
    assert store.trace("one") == tuple(events)


def test_a_deleted_run_does_not_come_back_while_it_grows(store: HistoryStore) -> None:
    store.save_run(a_run(state="running"))
    store.delete_runs(["one"])
    assert not store.save_run(a_run(), create=False)
    assert store.count_runs() == 0


def test_a_failed_write_leaves_nothing_behind(store: HistoryStore) -> None:
    with pytest.raises(KeyError):
        store.save_run(a_run(), [object()])  # type: ignore[list-item]
    assert store.count_runs() == 0


def test_the_newest_run_comes_first(store: HistoryStore) -> None:
    for number in (2, 1, 3):
        store.save_run(a_run(str(number), created_at=float(number)))
    store.save_run(a_run("late", created_at=3.0))
    assert ids(store) == ["late", "3", "2", "1"]
    assert ids(store, limit=2, offset=1) == ["3", "2"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RunFilter(), {"a", "b", "c"}),
        (RunFilter(kind="bench"), {"b"}),
        (RunFilter(state="failed"), {"c"}),
        (RunFilter(model="other"), {"c"}),
        (RunFilter(kind="answer", model="toy"), {"a"}),
        (RunFilter(search="THREE"), {"a", "c"}),
        (RunFilter(search="three count"), {"a", "c"}),
        (RunFilter(search="three sheep"), set()),
        (RunFilter(search="100%"), {"b"}),
        (RunFilter(search="0_"), {"b"}),
        (RunFilter(search="other"), {"c"}),
        (RunFilter(search="'; DROP TABLE runs; --"), set()),
    ],
)
def test_filters_and_search(store: HistoryStore, wanted: RunFilter, found: set[str]) -> None:
    store.save_run(a_run("a"))
    store.save_run(a_run("b", kind="bench", title="100% of 0_", prompt="", answer=""))
    store.save_run(a_run("c", state="failed", model="other"))
    assert set(ids(store, wanted)) == found
    assert store.count_runs(wanted) == len(found)


def test_model_names(store: HistoryStore) -> None:
    for run_id, model in (("a", "toy"), ("b", "other"), ("c", "toy")):
        store.save_run(a_run(run_id, model=model))
    assert store.model_names() == ("other", "toy")


def test_an_unknown_run_is_a_sentence(store: HistoryStore) -> None:
    with pytest.raises(KnownError, match="no run nowhere"):
        store.get_run("nowhere")
    assert store.trace("nowhere") == ()


def test_deleting_takes_the_traces_along(store: HistoryStore, database: Path) -> None:
    wanted = [str(number) for number in range(1200)]
    for run_id in (wanted[0], wanted[-1], "kept"):
        store.save_run(a_run(run_id), list(answer()))
    assert store.delete_runs(wanted) == 2
    assert ids(store) == ["kept"]
    assert sql(database, "SELECT count(*) FROM traces") == [(1,)]


@pytest.mark.parametrize(
    "wanted",
    [RunFilter(), RunFilter(kind="training"), RunFilter(model="toy"), RunFilter(state="failed")],
)
def test_lists_walk_an_index_and_read_no_long_text(store: HistoryStore, wanted: RunFilter) -> None:
    statement = (
        select(*LIST_COLUMNS)
        .where(*conditions(wanted))
        .order_by(RunRow.created_at.desc(), RunRow.key.desc())
    )
    query = str(statement.compile(compile_kwargs={"literal_binds": True}))
    with store._database.reading() as session:
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    plan = " ".join(row[-1] for row in rows)
    assert "USING INDEX runs_" in plan
    assert "TEMP B-TREE" not in plan
    assert not any(name in query for name in ("prompt", "answer", "traces"))


def test_listing_reads_no_traces(store: HistoryStore) -> None:
    store.save_run(a_run(), list(answer()))
    statements: list[str] = []
    event.listen(
        store._database._engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: statements.append(statement),
    )
    store.list_runs()
    store.count_runs()
    assert statements
    assert not any("traces" in statement or "prompt" in statement for statement in statements)


def test_several_threads_write_and_read_at_once(store: HistoryStore) -> None:
    def write(number: int) -> None:
        store.save_run(a_run(str(number)), list(answer())[:2])
        store.save_run(a_run(str(number)), list(answer())[2:], create=False)
        assert store.trace(str(number)) == tuple(answer())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(24)))
    assert store.count_runs() == 24


def test_what_a_dead_process_left_running_is_marked(database: Path) -> None:
    with HistoryStore(database) as store:
        for run_id in ("dead", "alive", "elsewhere"):
            store.save_run(a_run(run_id, state="running", created_at=2e9), list(answer())[:2])
    sql(database, "UPDATE runs SET pid = ? WHERE id != 'alive'", dead_pid())
    sql(database, "UPDATE runs SET host = 'another host' WHERE id = 'elsewhere'")
    with HistoryStore(database) as store:
        states = {run.id: run.state for run in store.list_runs()}
        assert states == {"dead": "interrupted", "alive": "running", "elsewhere": "running"}
        assert store.trace("dead") == tuple(answer())[:2]


def test_a_process_number_given_away_again_does_not_keep_a_run_alive(database: Path) -> None:
    with HistoryStore(database) as store:
        store.save_run(a_run(state="running", created_at=1.0))  # long before this process began
    with HistoryStore(database) as store:
        assert store.get_run("one").state == "interrupted"


def a_chat(chat_id: str, updated_at: float) -> ChatDetail:
    turns = (Turn("user", "Hello"), Turn("assistant", "Hi ü\n", run_id="one"))
    return ChatDetail(
        id=chat_id,
        title=f"Chat {chat_id}",
        created_at=1.0,
        updated_at=updated_at,
        system="Be brief.",
        turns=turns,
    )


def test_chats_come_back_the_last_used_first(store: HistoryStore) -> None:
    old, new = a_chat("old", 2.0), a_chat("new", 3.0)
    for chat in (new, old):
        store.save_chat(chat)
    assert store.get_chat("old") == old
    assert [chat.id for chat in store.list_chats()] == ["new", "old"]
    grown = replace(old, updated_at=4.0, turns=(*old.turns, Turn("user", "More")))
    store.save_chat(grown)
    assert store.get_chat("old") == grown
    assert store.list_chats()[0] == ChatRecord(
        id="old", title="Chat old", created_at=1.0, updated_at=4.0
    )


def test_deleting_a_chat_keeps_its_answers(store: HistoryStore) -> None:
    store.save_chat(a_chat("c", 1.0))
    store.save_run(a_run(chat_id="c"))
    store.delete_chat("c")
    assert store.list_chats() == ()
    assert store.get_run("one").chat_id == "c"
    with pytest.raises(KnownError, match="no longer in the history"):
        store.get_chat("c")
