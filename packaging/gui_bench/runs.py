"""The history with 100,000 rows: from asking for the page to the list in sight."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from PySide6.QtWidgets import QApplication
from support import paths_in, wait

from app.bootstrap import build
from app.navigation import HISTORY
from core.history.records import RunDetail
from core.history.store import HistoryStore

ROWS = 100_000
OPENINGS = 5


def measure(app: QApplication) -> dict[str, float]:
    """Milliseconds until the list is read anew and painted, in window after window."""
    with tempfile.TemporaryDirectory() as home:
        paths = paths_in(Path(home))
        _fill(paths.database)
        taken = []
        for _ in range(OPENINGS):
            stride = build(app, paths)
            window = stride.window
            window.show()
            window.start()
            wait(lambda: stride.context.history.store is not None)  # noqa: B023
            table = window.history._table  # noqa: SLF001  (no signal of the page says it)
            wait(lambda: table.total == ROWS)  # noqa: B023
            filled: list[bool] = []
            table.filled.connect(lambda: filled.append(True))  # noqa: B023
            began = time.perf_counter()
            window.show_page(HISTORY)
            table.refresh()  # as a run that ended meanwhile would have it
            while not filled:
                app.processEvents()
            app.processEvents()
            taken.append((time.perf_counter() - began) * 1000)
            window.close()
    return {"median": statistics.median(taken), "longest": max(taken), "rows": ROWS}


def _fill(database: Path) -> None:
    """One run as Stride writes it, and copies of its row."""
    database.parent.mkdir(parents=True)
    run = RunDetail(
        id="0",
        kind="answer",
        state="completed",
        created_at=1.7e9,
        source="app",
        model="smollm2-135m-instruct",
        adapter="starter",
        title="Write a letter to a customer",
        chat_id=None,
        run_dir=None,
        summary={"tokens_per_pass": 2.5, "tokens_per_second": 40.0, "tokens": 120},
        prompt="Write a letter to a customer. " * 4,
        answer="Dear customer, thank you for your letter of last week. " * 20,
        settings={"threshold": 0.9},
        machine={"cpu": "some"},
    )
    with HistoryStore(database) as store:
        store.save_run(run)
    connection = sqlite3.connect(database)
    with connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
        row = dict(zip(names, connection.execute("SELECT * FROM runs").fetchone(), strict=True))
        places = ", ".join("?" for _ in names)
        rows = (
            tuple({**row, "key": n + 1, "id": str(n), "created_at": 1.7e9 + n}.values())
            for n in range(1, ROWS)
        )
        connection.executemany(f"INSERT INTO runs VALUES ({places})", rows)
    connection.close()
