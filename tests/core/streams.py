"""Event streams made by hand, and hypothesis strategies for every event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from core import events
from core.engine.request import Message, Request, SessionInfo
from core.events import GenerationEnded, GenerationEvent, GenerationStarted, PassDone, StopReason

REQUEST = Request((Message("system", "Be brief."), Message("user", "Count to 9.\nIn words.")))
INFO = SessionInfo(
    "toy", "/models/toy", "swift", "/adapters/swift", "cpu", "float32", 4, 256, 1, ""
)
TEXTS = ("one", " two three", "\nfour <five> & six")


def started() -> GenerationStarted:
    return GenerationStarted(
        "toy", "swift", "confadapt", 4, 0.9, "cpu", "float32", "<prompt>", 7, 0, ""
    )


def pass_done(index: int, text: str) -> PassDone:
    count = len(text.split())
    ids = tuple(range(count))
    return PassDone(
        index, ids, text, (*ids, 99), (*[0.95] * count, 0.5), ((),) * (count + 1), 0, 0.9, 5, 0.02
    )


def passes() -> list[PassDone]:
    return [pass_done(index, text) for index, text in enumerate(TEXTS)]


def answer(stop_reason: StopReason = "end_token") -> Iterator[GenerationEvent]:
    """A whole answer of three passes with 1, 2 and 4 tokens."""
    yield started()
    yield from passes()
    yield GenerationEnded(stop_reason, "".join(TEXTS), 7, 3, 0.06)


text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
number = st.floats(allow_nan=False, allow_infinity=False)
plain = st.dictionaries(text, text | number | st.booleans() | st.none(), max_size=3)


def _for(kind: type) -> st.SearchStrategy[events.Event]:
    """Events of one class; `dict` fields hold what JSON can hold."""
    hints = get_type_hints(kind)
    dicts = {name: plain for name, hint in hints.items() if get_origin(hint) is dict}
    return st.builds(kind, **dicts)


st.register_type_strategy(str, text)
st.register_type_strategy(float, number)
any_event = st.one_of([_for(kind) for kind in get_args(events.Event)])
