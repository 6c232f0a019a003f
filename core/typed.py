"""Whether values that come from a file are of the types our dataclasses declare."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin


def is_of(value: object, hint: Any) -> bool:
    """Whether a value is of a field's type; a whole number may stand for a fraction.

    Args:
        value: From JSON or TOML, lists made tuples where tuples are declared.
        hint: As `typing.get_type_hints` gives it: a plain type, an optional one, a `Literal`, or
            a tuple or dict of texts.
    """
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    kinds = get_args(hint) or (hint,)
    return type(value) in kinds or (float in kinds and type(value) is int)
