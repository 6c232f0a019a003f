"""SQL of the history's lists: which columns a list reads and how a filter becomes conditions."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_

from core.history.records import RunFilter
from core.history.tables import RunRow

LIST_COLUMNS = (
    RunRow.id,
    RunRow.kind,
    RunRow.state,
    RunRow.created_at,
    RunRow.source,
    RunRow.model,
    RunRow.adapter,
    RunRow.title,
    RunRow.chat_id,
    RunRow.summary,
)
"""The columns of a `RunRecord`: none of the long texts, so that long lists open at once."""

SEARCHED = (RunRow.title, RunRow.prompt, RunRow.answer, RunRow.model)


def conditions(wanted: RunFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions that all must hold."""
    equal = {
        RunRow.kind: wanted.kind,
        RunRow.model: wanted.model,
        RunRow.state: wanted.state,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    return found + [_has_word(word) for word in wanted.search.split()]


def _has_word(word: str) -> ColumnElement[bool]:
    """One word occurs somewhere; % and _ stand for themselves, ASCII case does not matter."""
    return or_(*(column.icontains(word, autoescape=True) for column in SEARCHED))
