"""Files that the user asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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


def csv_text(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Rows as CSV with these columns; what else a row holds is left out."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
