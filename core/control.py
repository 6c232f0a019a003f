"""Plain thread-safe objects by which a user steers running work."""

from __future__ import annotations

import threading

from core.errors import Cancelled, KnownError


class Cancel:
    """A wish to stop, read by the work at each pass, step or chunk."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask the work to stop."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether a stop was asked for."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if a stop was asked for."""
        if self._event.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Let time pass, but raise `Cancelled` as soon as a stop is asked for."""
        if self._event.wait(seconds):
            raise Cancelled


class Threshold:
    """The confidence threshold in force; decoding reads it at every pass.

    Its attributes are replaced atomically in CPython, so no lock is needed.

    Args:
        value: The confidence that a slot must reach, 0..1.
        is_exact: Whether every token shall be checked instead, so that none differs from
            one-token decoding.

    Raises:
        KnownError: for a value outside 0..1.
    """

    def __init__(self, value: float, is_exact: bool = False) -> None:
        self.set(value)
        self.is_exact = is_exact

    def set(self, value: float) -> None:
        """Put a new threshold in force from the next pass on; it is no longer exact."""
        if not 0.0 <= value <= 1.0:
            raise KnownError(
                f"The threshold must lie between 0 and 1, not {value}.", "0.9 is a good start."
            )
        self._value = float(value)
        self.is_exact = False

    def set_exact(self) -> None:
        """Let every token be checked from the next pass on."""
        self.is_exact = True

    @property
    def value(self) -> float:
        """The threshold now in force."""
        return self._value
