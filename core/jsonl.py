"""Events as JSON lines: `{"event": "pass_done", ...}`, one object a line."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core import events
from core.errors import KnownError

RUNS_FORMAT, RUNS_VERSION = "stride-runs", 1
"""Of the file that holds exported runs of the history with their events."""

Restore = Callable[[Any], Any]

_CLASSES: dict[str, type] = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower(): cls
    for cls in typing.get_args(events.Event)
}
_NAMES = {cls: name for name, cls in _CLASSES.items()}


def to_dict(event: events.Event) -> dict[str, Any]:
    """The event as plain JSON types, its name under `event`."""
    return {"event": _NAMES[type(event)], **_plain(event)}


def _plain(event: Any) -> dict[str, Any]:
    """Fields one level deep; nested events keep their names so that they can come back."""
    return {f.name: _value(getattr(event, f.name)) for f in dataclasses.fields(event)}


def _value(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return value


def dumps(event: events.Event) -> str:
    """One line of JSON, without the newline."""
    return json.dumps(to_dict(event), ensure_ascii=False, separators=(",", ":"))


def from_dict(data: dict[str, Any]) -> events.Event:
    """The event back from its plain form; unknown keys of newer versions are ignored.

    A field that older versions did not write keeps its default.

    Raises:
        KnownError: if the object is no event of ours or lacks a field.
    """
    try:
        cls = _CLASSES[data["event"]]
        return cls(  # type: ignore[no-any-return]
            **{
                name: restore(data[name])
                for name, restore, has_default in _fields(cls)
                if name in data or not has_default
            }
        )
    except (KeyError, TypeError) as error:
        raise KnownError(f"Not a Stride event: {error!r} in {str(data)[:80]}.") from error


@functools.cache
def _fields(cls: type) -> tuple[tuple[str, Restore, bool], ...]:
    """Fields of a class, how each comes back, and whether it may be absent.

    Looked up once, for traces are long.
    """
    hints = typing.get_type_hints(cls)
    return tuple(
        (f.name, _restorer(hints[f.name]), f.default is not dataclasses.MISSING)
        for f in dataclasses.fields(cls)
    )


def _restorer(hint: Any) -> Restore:
    """JSON knows lists only: what gives tuples and nested events their types back."""
    if dataclasses.is_dataclass(hint):
        return from_dict
    if hint == events.Span:
        return _span
    if typing.get_origin(hint) is not tuple:
        return _as_it_is
    inner = typing.get_args(hint)
    restore = _restorer(inner[0])
    if inner[-1] is not Ellipsis or restore is _as_it_is:
        return tuple  # the parts of a fixed tuple are plain
    return lambda value: tuple(map(restore, value))


def _span(value: Any) -> Any:
    """A figure; older versions wrote some of them without an interval."""
    return tuple(value) if isinstance(value, list) else (value,) * 3


def _as_it_is(value: Any) -> Any:
    return value


def read_events(path: Path) -> Iterator[events.Event]:
    """Events of a file; a torn last line (a killed writer) ends the reading quietly.

    Raises:
        KnownError: if a line before the last is no event.
    """
    return parse_lines(path.read_bytes(), str(path))


def parse_lines(data: bytes, source: str) -> Iterator[events.Event]:
    """Events of UTF-8 lines, as `read_events`; `source` names them in a failure.

    Only a line feed ends a line: U+2028 and its like may stand inside a text.
    """
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    for number, line in enumerate(lines, start=1):
        try:
            found = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise KnownError(f"{source}, line {number} is not JSON: {error}.") from error
        yield from_dict(found)
