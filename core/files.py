"""Text files that the user asked for."""

from __future__ import annotations

from pathlib import Path

from core.errors import KnownError


def write_text(out: Path, text: str) -> None:
    """Write a file with line ends as they are in the text.

    Raises:
        KnownError: if it cannot be written.
    """
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise KnownError(
            f"{out} cannot be written: {error.strerror or error}.", "Choose another place."
        ) from error
