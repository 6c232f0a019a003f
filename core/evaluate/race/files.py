"""A race as a file for others: the result card, its figures as a table, all of it as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from core.evaluate.race.card import race_card
from core.evaluate.race.recording import Recording, race_record
from core.files import csv_text, write_text


def write_race(race: Recording, out: Path) -> None:
    """Write a race as its file's ending says; HTML where it says something else.

    Raises:
        KnownError: if it cannot be written.
    """
    make = {".csv": _table, ".json": _whole}.get(out.suffix.lower(), race_card)
    write_text(out, make(race))


def _whole(race: Recording) -> str:
    return json.dumps(race_record(race), ensure_ascii=False) + "\n"


def _table(race: Recording) -> str:
    rows = race_record(race)["results"]
    names = [name for name in rows[0] if not isinstance(rows[0][name], list | tuple)]
    return csv_text(rows, names)
