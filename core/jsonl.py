"""Events as JSON lines: `{"event": "pass_done", ...}`, one object a line."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core import events
from core.errors import KnownError

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

    Raises:
        KnownError: if the object is no event of ours or lacks a field.
    """
    try:
        cls = _CLASSES[data["event"]]
        hints = typing.get_type_hints(cls)
        return cls(  # type: ignore[no-any-return]
            **{f.name: _restore(hints[f.name], data[f.name]) for f in dataclasses.fields(cls)}
        )
    except (KeyError, TypeError) as error:
        raise KnownError(f"Not a Stride event: {error!r} in {str(data)[:80]}.") from error


def _restore(hint: Any, value: Any) -> Any:
    """JSON knows lists only: give tuples and nested events their types back."""
    if typing.get_origin(hint) is types.UnionType or value is None:
        return value
    if dataclasses.is_dataclass(hint):
        return from_dict(value)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)
        if inner[-1] is Ellipsis:
            return tuple(_restore(inner[0], item) for item in value)
        return tuple(_restore(kind, item) for kind, item in zip(inner, value, strict=True))
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
