"""Connections and transactions of the history's file, safe to use from several threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.errors import KnownError
from core.history.opening import (
    is_damage,
    known_troubles,
    open_engine,
    prepare,
    set_aside,
    writing,
)


class Database:
    """The database of the history, ready for use.

    Args:
        path: The file; created where absent.

    Attributes:
        notice: A sentence for the user if a damaged file was kept aside on opening, else "".

    Raises:
        KnownError: the file is newer, foreign, locked or not writable; it is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notice = prepare(path)
        self._engine = open_engine(path)
        self._mending = threading.Lock()

    def close(self) -> None:
        """Give the file back."""
        self._engine.dispose()

    def reading(self) -> contextlib.AbstractContextManager[Session]:
        """A session that only reads."""
        return self._session(self._engine, self._engine)

    def writing(self) -> contextlib.AbstractContextManager[Session]:
        """A session that writes: all of it or, after an exception, nothing."""
        return self._session(self._engine, writing(self._engine))

    @contextlib.contextmanager
    def _session(self, engine: Engine, bind: Engine) -> Iterator[Session]:
        with known_troubles(self.path):
            try:
                with Session(bind) as session, session.begin():
                    yield session
            except DBAPIError as error:
                if not is_damage(error.orig):
                    raise
                raise KnownError(self._mend(engine), "What was asked for was not done.") from error

    def _mend(self, damaged: Engine) -> str:
        """Put a fresh file in the place of a damaged one, once for all threads that met it."""
        with self._mending:
            if damaged is self._engine:
                damaged.dispose()
                self.notice = set_aside(self.path)
                prepare(self.path)
                self._engine = open_engine(self.path)
            return self.notice
