"""A table of ten million rows: a lot is drawn from all of it, in little memory."""

from __future__ import annotations

import statistics
from pathlib import Path

import psutil
import pytest

from core.documents.report import Report
from core.train.data import MOST_ROWS, read_rows

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(3600)]

ROWS = 10_000_000
MOST_GROWN = 300 << 20
MOST_OF_READER = 200 << 20


class MemoryWatch:
    """Asked by the reading whether to go on, which it always says; now and then it looks.

    Attributes:
        own: Most bytes of this process beyond those of the beginning.
        reader: Most bytes of a process that it started.
    """

    def __init__(self) -> None:
        self._me = psutil.Process()
        self._before = self._me.memory_info().rss
        self._asked = 0
        self.own = self.reader = 0

    def __call__(self) -> bool:
        self._asked += 1
        if self._asked % 1000 == 0:
            self.own = max(self.own, self._me.memory_info().rss - self._before)
            readers = [one.memory_info().rss for one in self._me.children()]
            self.reader = max(self.reader, *readers)
        return True


def write_table(path: Path) -> None:
    with path.open("w") as file:
        file.write("prompt,response\n")
        file.writelines(f"Pump {n}?,{n} hours\n" for n in range(ROWS))


def test_of_ten_million_rows_a_lot_is_drawn_in_little_memory(tmp_path) -> None:
    write_table(tmp_path / "pumps.csv")
    report, watch = Report(), MemoryWatch()
    rows = read_rows([str(tmp_path / "pumps.csv")], report, goes_on=watch)
    assert len(rows) == MOST_ROWS
    assert report.rows == ROWS
    assert report.findings == []
    numbers = [int(row.messages[-1].content.split()[0]) for row in rows]
    assert len(set(numbers)) == MOST_ROWS
    assert statistics.fmean(numbers) == pytest.approx(ROWS / 2, rel=0.02)
    assert 0 < watch.own < MOST_GROWN
    assert 0 < watch.reader < MOST_OF_READER
